//! What this process takes of the machine, as the kernel says it: for whoever watches the server.
//!
//! Here because two of the figures are files of Linux's `/proc`; other systems have them nowhere as cheap.
#![allow(clippy::disallowed_methods)] // the one place that touches files

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFigures {
    /// Processor time of all threads so far, user's and system's, microseconds.
    pub cpu_us: u64,
    /// Memory that is resident; `None` if the system does not tell.
    pub resident_bytes: Option<u64>,
    /// The most that was resident so far.
    pub resident_bytes_max: Option<u64>,
    /// File descriptors that are open, the one for counting them among them.
    pub open_files: Option<u64>,
    /// How many may be.
    pub open_files_max: Option<u64>,
}

impl ProcessFigures {
    /// Looks. Reads files, so it may block.
    pub fn look() -> ProcessFigures {
        use rustix::process::{Resource, getrlimit};

        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let open_files = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        ProcessFigures {
            cpu_us: (cpu.tv_sec * 1_000_000 + cpu.tv_nsec / 1000) as u64,
            resident_bytes: kib(&status, "VmRSS:").map(|kib| kib << 10),
            resident_bytes_max: kib(&status, "VmHWM:").map(|kib| kib << 10),
            open_files,
            open_files_max: getrlimit(Resource::Nofile).current,
        }
    }
}

/// A line of the file `status`: `VmRSS:     1234 kB`.
fn kib(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_kernel_writes_them() {
        let status = "Name:\tnautilus\nVmHWM:\t   20480 kB\nVmRSS:\t    1234 kB\nThreads:\t9\n";
        assert_eq!(kib(status, "VmRSS:"), Some(1234));
        assert_eq!(kib(status, "VmHWM:"), Some(20_480));
        assert_eq!(kib(status, "Threads:"), None);
        assert_eq!(kib("", "VmRSS:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_used_is_told() {
        let before = ProcessFigures::look();
        let held = std::hint::black_box(vec![1_u8; 64 << 20]);
        let file = std::fs::File::open("/dev/null").expect("it is there");
        let after = ProcessFigures::look();
        assert!(after.cpu_us >= before.cpu_us && after.cpu_us > 0);
        assert!(after.resident_bytes_max >= Some(held.len() as u64), "{after:?}");
        assert!(after.resident_bytes_max >= after.resident_bytes);
        assert!(after.open_files > Some(3), "{after:?}");
        drop(file);
    }
}
