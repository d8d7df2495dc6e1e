use super::*;

#[tokio::test]
async fn a_name_is_forgotten_with_its_last_opening() {
    let name = "a_name_is_forgotten_with_its_last_opening";
    let seams = Seams::system().unwrap();
    let (one, two) = (open(name, &seams), open(name, &seams));
    drop(one);
    assert!(registry::is_open(name));
    drop(two);
    assert!(!registry::is_open(name));
}
