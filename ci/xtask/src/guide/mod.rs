//! The shell examples of the guide: each is run, and prints what the page says it prints.

mod console;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::documents;
use crate::report::{Fault, Report};
use console::{Step, differences, script, steps};

const GUIDE: &str = "docs/guide";
/// What the pages call the folder in which their commands run.
const WORK: &str = "/srv";
/// What they call the ZooKeeper of a cluster, and the variable that says where there is one.
const ZOOKEEPER: (&str, &str) = ("zk1:2181", "DL_GUIDE_ZOOKEEPER");
/// An example that waits for ever ends as a failure.
const MOST_SECONDS: &str = "60";

/// Runs the examples with the `dl` that was built into `folder`.
pub(crate) fn check(root: &Path, folder: &Path) -> Result<Report, Fault> {
    let folder = folder.canonicalize()?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for (page, text) in documents::pages(root)?.iter().filter(|(page, _)| page.starts_with(GUIDE)) {
        let steps = steps(text);
        count += steps.len();
        let said = if steps.is_empty() { Vec::new() } else { run(&folder, &steps)? };
        wrong.extend(differences(&steps, &said).iter().map(|text| format!("{}:{text}", page.display())));
    }
    Ok(Report::of(format!("guide: {count} commands print what the pages say"), wrong))
}

/// Runs the commands of a page one after another, in a folder of their own; answers what they printed.
fn run(programs: &Path, steps: &[Step]) -> Result<Vec<String>, Fault> {
    // Beside the build, not in /tmp: that may be a file system in memory, where receipts say so.
    let folder = Folder::new(programs.join(format!("guide.{}", std::process::id())))?;
    let file = folder.0.join(".script");
    let place = folder.0.display().to_string();
    let zookeeper = std::env::var(ZOOKEEPER.1).unwrap_or_else(|_| ZOOKEEPER.0.to_owned());
    fs::write(&file, script(steps).replace(WORK, &place).replace(ZOOKEEPER.0, &zookeeper))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args([MOST_SECONDS, "bash"])
        .arg(&file)
        .current_dir(&folder.0)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("LC_ALL", "C")
        .env("DL_NAMESPACE", format!("file://{place}/namespace"))
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).replace(&place, WORK).replace(&zookeeper, ZOOKEEPER.0);
    Ok(said.split(console::END).map(str::to_owned).collect())
}

/// A folder that goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn new(path: PathBuf) -> std::io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays lies in the build's folder.
        let _stays = fs::remove_dir_all(&self.0);
    }
}
