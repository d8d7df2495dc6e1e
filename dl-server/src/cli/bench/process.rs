//! What this process cost, as the kernel counts it.

use std::fs;
use std::time::Duration;

/// Linux counts processor time in these units for every program (USER_HZ), whatever its own clock does.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time of this process so far, user and system; `None` where the system does not tell.
pub(super) fn processor_time() -> Option<Duration> {
    parse_processor_time(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The most memory that this process held at once, in bytes; `None` where the system does not tell.
pub(super) fn peak_memory_bytes() -> Option<u64> {
    parse_peak(&fs::read_to_string("/proc/self/status").ok()?)
}

fn parse_processor_time(stat: &str) -> Option<Duration> {
    // The name of the program may hold anything, so count from behind it: the fields are utime and stime of proc(5).
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_SECOND))
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_understood() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0 1";
        assert_eq!(parse_processor_time(stat), Some(Duration::from_millis(2_810)));
        assert_eq!(parse_processor_time("7 (a) S 1"), None);
        assert_eq!(parse_peak("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2048 * 1024));
        assert_eq!(parse_peak(""), None);
    }
}
