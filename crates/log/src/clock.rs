//! The door to time. One service clock, in Unix milliseconds, is handed to every room by constructor.
//!
//! It follows the wall clock as long as that moves with the clock that runs on in suspend: a laptop that wakes has not
//! jumped. A jump of the wall clock is followed only when it has stood for ten minutes, so that a moment of a wrong
//! time expires nothing.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}

/// The wall clock may differ by this from what the running clock says before that is a jump.
const JUMP_MS: i64 = 5_000;
/// A jump is followed when it has stood for so long.
const JUMP_STANDS_MS: i64 = 600_000;

/// The service clock over the machine's clocks. Tests may move it ahead with [`SystemClock::advance_ms`].
#[derive(Debug)]
pub struct SystemClock {
    follower: Follower,
    advanced_ms: AtomicU64,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        let follower = Follower::new(wall_ms(), running_ms());
        SystemClock { follower, advanced_ms: AtomicU64::new(0) }
    }
}

impl SystemClock {
    /// Moves the clock ahead for good, at once.
    pub fn advance_ms(&self, ms: u64) {
        self.advanced_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let now_ms = self.follower.now_ms(wall_ms(), running_ms());
        now_ms.saturating_add(self.advanced_ms.load(Ordering::SeqCst))
    }
}

/// The service clock's rule, without clocks.
#[derive(Debug)]
struct Follower {
    /// Service time less running time.
    offset_ms: AtomicI64,
    /// A jump that has not stood for long enough.
    jump: Mutex<Option<Jump>>,
    /// Whether there is one: spares the lock.
    has_jump: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct Jump {
    offset_ms: i64,
    since_running_ms: i64,
}

impl Follower {
    fn new(wall_ms: i64, running_ms: i64) -> Follower {
        Follower {
            offset_ms: AtomicI64::new(wall_ms - running_ms),
            jump: Mutex::new(None),
            has_jump: AtomicBool::new(false),
        }
    }

    fn now_ms(&self, wall_ms: i64, running_ms: i64) -> u64 {
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        let wall_offset_ms = wall_ms - running_ms;
        if (wall_offset_ms - offset_ms).abs() <= JUMP_MS {
            if wall_offset_ms != offset_ms {
                self.offset_ms.store(wall_offset_ms, Ordering::Relaxed);
            }
            if self.has_jump.load(Ordering::Relaxed) {
                self.has_jump.store(false, Ordering::Relaxed);
                *self.jump.lock() = None;
            }
            return wall_ms.max(0) as u64;
        }
        if self.jump_stands(wall_offset_ms, running_ms) {
            tracing::warn!(
                ms = wall_offset_ms - offset_ms,
                "the wall clock's jump stands: following it"
            );
            self.offset_ms.store(wall_offset_ms, Ordering::Relaxed);
            return wall_ms.max(0) as u64;
        }
        (running_ms + offset_ms).max(0) as u64
    }

    fn jump_stands(&self, offset_ms: i64, running_ms: i64) -> bool {
        let mut jump = self.jump.lock();
        match *jump {
            Some(known) if (known.offset_ms - offset_ms).abs() <= JUMP_MS => {
                let stands = running_ms - known.since_running_ms >= JUMP_STANDS_MS;
                if stands {
                    *jump = None;
                }
                stands
            }
            _ => {
                tracing::warn!(
                    "the wall clock jumped: it is followed when that has stood for 10 minutes"
                );
                self.has_jump.store(true, Ordering::Relaxed);
                *jump = Some(Jump { offset_ms, since_running_ms: running_ms });
                false
            }
        }
    }
}

#[allow(clippy::disallowed_methods)] // the one place that reads the wall clock
fn wall_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// A clock that nobody sets, and that runs on while the machine sleeps.
fn running_ms() -> i64 {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now_ms`.
    pub fn new(now_ms: u64) -> ManualClock {
        ManualClock { now_ms: AtomicU64::new(now_ms) }
    }

    /// Sets the clock, also back.
    pub fn set_ms(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL_MS: i64 = 1_795_489_200_000;
    const MINUTE_MS: i64 = 60_000;
    const HOUR_MS: i64 = 60 * MINUTE_MS;
    const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

    /// What the service clock says, less the wall clock's time without jumps, at each (running ms, jump ms).
    fn followed(readings: &[(i64, i64)]) -> Vec<i64> {
        let follower = Follower::new(WALL_MS, 0);
        let read = |&(running_ms, jump_ms): &(i64, i64)| {
            let now_ms = follower.now_ms(WALL_MS + running_ms + jump_ms, running_ms);
            now_ms as i64 - WALL_MS - running_ms
        };
        readings.iter().map(read).collect()
    }

    #[test]
    fn small_steps_and_long_sleep_are_followed_at_once() {
        let readings =
            [(10, 0), (20, 40), (30, -40), (8 * HOUR_MS, 300), (8 * HOUR_MS + 5, -4_000)];
        assert_eq!(followed(&readings), [0, 40, -40, 300, -4_000]);
    }

    #[test]
    fn a_jump_is_followed_when_it_has_stood_for_ten_minutes() {
        for jump_ms in [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS] {
            let readings = [
                (0, 0),
                (1_000, jump_ms),
                (10 * MINUTE_MS, jump_ms),
                (10 * MINUTE_MS + 1_000, jump_ms),
                (11 * MINUTE_MS, jump_ms),
            ];
            assert_eq!(followed(&readings), [0, 0, 0, jump_ms, jump_ms]);
        }
    }

    #[test]
    fn a_jump_that_is_taken_back_was_none() {
        for jump_ms in [HOUR_MS, -HOUR_MS, 10 * YEAR_MS] {
            let readings = [
                (1_000, jump_ms),
                (9 * MINUTE_MS, jump_ms),
                (9 * MINUTE_MS + 1, 0),
                (20 * MINUTE_MS, jump_ms),
                (25 * MINUTE_MS, 0),
            ];
            assert_eq!(followed(&readings), [0; 5]);
        }
    }

    #[test]
    fn a_jump_after_another_waits_its_own_ten_minutes() {
        let readings = [
            (0, HOUR_MS),
            (9 * MINUTE_MS, 3 * HOUR_MS),
            (18 * MINUTE_MS, 3 * HOUR_MS),
            (19 * MINUTE_MS, 3 * HOUR_MS),
        ];
        assert_eq!(followed(&readings), [0, 0, 0, 3 * HOUR_MS]);
    }

    #[test]
    fn tests_move_the_clock_at_once() {
        let clock = SystemClock::default();
        let before = clock.now_ms();
        clock.advance_ms(90_000_000);
        assert!(clock.now_ms() >= before + 90_000_000);
    }
}
