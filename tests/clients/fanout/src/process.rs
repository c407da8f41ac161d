//! What a process has used so far, by `/proc`.

use std::fs;

use crate::client::Error;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu_seconds: f64,
    /// Of all threads together.
    pub voluntary_switches: u64,
    pub resident_kib: u64,
}

/// Of a second.
const TICKS: f64 = 100.0;

impl Usage {
    pub fn of(pid: u32) -> Result<Usage, Error> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let rest = stat.rsplit(')').next().ok_or("no stat")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        let ticks = ticks.collect::<Result<Vec<_>, _>>()?.iter().sum::<f64>();
        let mut voluntary_switches = 0;
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let status = fs::read_to_string(thread?.path().join("status"))?;
            voluntary_switches += number(&status, "voluntary_ctxt_switches:")?;
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let resident_kib = number(&status, "VmRSS:")?;
        Ok(Usage { cpu_seconds: ticks / TICKS, voluntary_switches, resident_kib })
    }

    /// What was used since `before`; memory is what it is.
    pub fn since(self, before: &Usage) -> Usage {
        Usage {
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
            voluntary_switches: self.voluntary_switches - before.voluntary_switches,
            ..self
        }
    }
}

fn number(status: &str, name: &str) -> Result<u64, Error> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.split_whitespace().next().ok_or("no number")?.parse()?)
}
