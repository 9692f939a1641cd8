//! The process's own metrics, read from `/proc/self` when they are asked for.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge, Opts};

/// Memory, CPU time, threads, open files and build of this process, by the names that Prometheus clients use.
pub struct ProcessMetrics {
    resident: IntGauge,
    cpu: Counter,
    threads: IntGauge,
    files: IntGauge,
    build: IntGauge,
}

impl ProcessMetrics {
    /// Makes the metrics.
    ///
    /// # Errors
    /// None that a valid name can cause.
    pub fn new() -> prometheus::Result<Self> {
        let build = Opts::new("terrace_build_info", "Always 1; the labels say which build.");
        let build = IntGauge::with_opts(build.const_label("version", env!("CARGO_PKG_VERSION")))?;
        build.set(1);
        Ok(Self {
            resident: IntGauge::new("process_resident_memory_bytes", "Resident memory.")?,
            cpu: Counter::new("process_cpu_seconds_total", "CPU time of user and system.")?,
            threads: IntGauge::new("process_threads", "Threads.")?,
            files: IntGauge::new("process_open_fds", "Open file descriptors.")?,
            build,
        })
    }

    /// Where `/proc` is not there the metrics keep their last values.
    fn read(&self) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for line in status.lines() {
            let number = || line.split_whitespace().nth(1)?.parse::<i64>().ok();
            match line.split(':').next() {
                Some("VmRSS") => number().into_iter().for_each(|kib| self.resident.set(kib << 10)),
                Some("Threads") => number().into_iter().for_each(|threads| self.threads.set(threads)),
                _ => {}
            }
        }
        if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
            // Less the one that this very reading opened.
            self.files.set(i64::try_from(entries.count()).unwrap_or(i64::MAX).saturating_sub(1));
        }
        if let Some(seconds) = cpu_seconds() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
    }

    fn all(&self) -> [&dyn Collector; 5] {
        [&self.resident, &self.cpu, &self.threads, &self.files, &self.build]
    }
}

/// User and system time: fields 14 and 15 of `/proc/self/stat` (proc(5)), in ticks, after the name in parentheses.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    Some((f64::from(user) + f64::from(system)) / f64::from(per_second))
}

impl Collector for ProcessMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_memory_threads_and_open_files() {
        let metrics = ProcessMetrics::new().unwrap();
        assert_eq!(metrics.collect().len(), 5);
        assert!(metrics.resident.get() > 1 << 20);
        assert!(metrics.threads.get() >= 1 && metrics.files.get() >= 3);
        assert!(cpu_seconds().is_some());
    }
}
