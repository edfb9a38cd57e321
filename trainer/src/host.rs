//! What Linux says about the machine and this process.

use std::fs;

/// The processor's name, as in /proc/cpuinfo; "unknown" where it says none.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    field(&text, "model name").unwrap_or("unknown").to_owned()
}

/// Logical processors that this process may use.
pub(crate) fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| u64::try_from(cores.get()).unwrap_or(1))
}

/// The machine's memory in bytes.
pub(crate) fn memory_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")
}

/// The most resident memory that this process has had, in bytes.
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// Memory that programs may still take without swapping, in bytes.
pub(crate) fn available_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")
}

/// Lets [`peak_resident_bytes`] count from here on. Where the kernel refuses, the peak so far stays.
pub(crate) fn forget_peak_resident() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// The machine's name on its network.
pub(crate) fn name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let kept: String = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if kept.is_empty() { "host".to_owned() } else { kept }
}

/// `key : value` of a file of /proc.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then_some(value.trim())
    })
}

fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let number = field(text, key)?.strip_suffix("kB")?.trim();
    Some(number.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read() {
        let text = "Name:\ttrainer\nVmHWM:\t  1234 kB\n";
        assert_eq!(kibibytes(text, "VmHWM"), Some(1234 * 1024));
        assert_eq!(kibibytes(text, "VmPeak"), None);
        assert_eq!(field(text, "Name"), Some("trainer"));
        assert!(peak_resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
