//! Threads that give way to others.
#![allow(unsafe_code)]

/// How much nicer than others such a thread is: where there are too few processors, it gets about a tenth of what another
/// gets.
#[cfg(target_os = "linux")]
const NICER: libc::c_int = 10;

/// Has the scheduler prefer all other threads to the one that calls this, from now on. A thread cannot take it back.
#[cfg(target_os = "linux")]
pub(super) fn give_way() {
    // Nothing depends on it: where the system refuses, work takes the time of other work.
    //
    // SAFETY: the call takes a number only. On Linux it concerns the calling thread, not its process.
    let _refused = unsafe { libc::nice(NICER) };
}

/// Elsewhere this would be a matter of the whole process.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_way() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_that_calls_gives_way() {
        // SAFETY: adds nothing, and answers what there is.
        let nice = || unsafe { libc::nice(0) };
        let before = nice();
        let there = std::thread::spawn(move || {
            give_way();
            nice()
        });
        assert_eq!((there.join().unwrap(), nice()), ((before + NICER).min(19), before));
    }
}
