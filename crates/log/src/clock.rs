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

    /// What the wall clock shows, also while that has jumped and is not followed.
    fn wall_ms(&self) -> u64 {
        self.now_ms()
    }

    /// True while the wall clock has jumped and nobody knows whether that stands: nothing expires meanwhile.
    fn is_unsure(&self) -> bool {
        false
    }

    /// Microseconds since some moment, for durations: nobody sets this clock, and no test moves it ahead.
    fn monotonic_us(&self) -> u64 {
        self.now_ms() * 1000
    }

    /// Both of [`Clock::now_ms`] and [`Clock::monotonic_us`], by no more looks at the machine's clocks than the first of
    /// them takes.
    fn now_ms_and_monotonic_us(&self) -> (u64, u64) {
        (self.now_ms(), self.monotonic_us())
    }
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

    fn advanced(&self, ms: i64) -> u64 {
        unix_ms(ms).saturating_add(self.advanced_ms.load(Ordering::SeqCst))
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        self.advanced(self.follower.read(wall_ms(), running_ms()).now_ms)
    }

    fn wall_ms(&self) -> u64 {
        self.advanced(wall_ms())
    }

    fn is_unsure(&self) -> bool {
        self.follower.read(wall_ms(), running_ms()).is_unsure
    }

    fn monotonic_us(&self) -> u64 {
        running_us() as u64
    }

    fn now_ms_and_monotonic_us(&self) -> (u64, u64) {
        let running_us = running_us();
        let now_ms = self.follower.read(wall_ms(), running_us / 1000).now_ms;
        (self.advanced(now_ms), running_us as u64)
    }
}

/// Times before the epoch are the epoch.
fn unix_ms(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
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

/// What the service clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    now_ms: i64,
    is_unsure: bool,
}

impl Follower {
    fn new(wall_ms: i64, running_ms: i64) -> Follower {
        Follower {
            offset_ms: AtomicI64::new(wall_ms - running_ms),
            jump: Mutex::new(None),
            has_jump: AtomicBool::new(false),
        }
    }

    fn read(&self, wall_ms: i64, running_ms: i64) -> Reading {
        let offset_ms = wall_ms - running_ms;
        let followed_ms = self.offset_ms.load(Ordering::Relaxed);
        if (offset_ms - followed_ms).abs() > JUMP_MS {
            return self.read_jumped(wall_ms, running_ms);
        }
        if offset_ms != followed_ms {
            self.offset_ms.store(offset_ms, Ordering::Relaxed);
        }
        if self.has_jump.load(Ordering::Relaxed) {
            self.forget(&mut self.jump.lock());
        }
        Reading { now_ms: wall_ms, is_unsure: false }
    }

    fn read_jumped(&self, wall_ms: i64, running_ms: i64) -> Reading {
        let offset_ms = wall_ms - running_ms;
        let mut jump = self.jump.lock();
        // Another thread may have followed it just now.
        let ahead_ms = offset_ms - self.offset_ms.load(Ordering::Relaxed);
        if ahead_ms.abs() <= JUMP_MS {
            return Reading { now_ms: wall_ms, is_unsure: false };
        }
        match *jump {
            Some(known) if (known.offset_ms - offset_ms).abs() <= JUMP_MS => {
                if running_ms - known.since_running_ms >= JUMP_STANDS_MS {
                    tracing::warn!(ms = ahead_ms, "the wall clock's jump stands: following it");
                    self.offset_ms.store(offset_ms, Ordering::Relaxed);
                    self.forget(&mut jump);
                    return Reading { now_ms: wall_ms, is_unsure: false };
                }
            }
            _ => {
                tracing::warn!(
                    ms = ahead_ms,
                    "the wall clock jumped: it is followed when that has stood for 10 minutes"
                );
                self.has_jump.store(true, Ordering::Relaxed);
                *jump = Some(Jump { offset_ms, since_running_ms: running_ms });
            }
        }
        Reading { now_ms: wall_ms - ahead_ms, is_unsure: true }
    }

    fn forget(&self, jump: &mut Option<Jump>) {
        *jump = None;
        self.has_jump.store(false, Ordering::Relaxed);
    }
}

#[allow(clippy::disallowed_methods)] // the one place that reads the wall clock
fn wall_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

fn running_ms() -> i64 {
    running_us() / 1000
}

/// A clock that nobody sets, and that runs on while the machine sleeps.
fn running_us() -> i64 {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
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

/// The service clock over a wall clock and a running clock that stand still until a test moves them: the rule itself
/// is in the test.
#[derive(Debug)]
pub struct FollowingClock {
    follower: Follower,
    wall_ms: AtomicI64,
    running_ms: AtomicI64,
}

impl FollowingClock {
    /// A clock that shows `now_ms`.
    pub fn new(now_ms: u64) -> FollowingClock {
        let now_ms = now_ms as i64;
        FollowingClock {
            follower: Follower::new(now_ms, 0),
            wall_ms: AtomicI64::new(now_ms),
            running_ms: AtomicI64::new(0),
        }
    }

    /// Time passes, for both clocks.
    pub fn pass_ms(&self, ms: u64) {
        self.running_ms.fetch_add(ms as i64, Ordering::SeqCst);
        self.jump_ms(ms as i64);
    }

    /// Somebody sets the wall clock, and it is looked at.
    pub fn jump_ms(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.read();
    }

    /// Sets the wall clock, also back, as if it had shown that for long.
    pub fn set_ms(&self, now_ms: u64) {
        self.wall_ms.store(now_ms as i64, Ordering::SeqCst);
        let offset_ms = now_ms as i64 - self.running_ms.load(Ordering::SeqCst);
        self.follower.offset_ms.store(offset_ms, Ordering::SeqCst);
        self.read();
    }

    fn read(&self) -> Reading {
        let wall_ms = self.wall_ms.load(Ordering::SeqCst);
        self.follower.read(wall_ms, self.running_ms.load(Ordering::SeqCst))
    }
}

impl Clock for FollowingClock {
    fn now_ms(&self) -> u64 {
        unix_ms(self.read().now_ms)
    }

    fn wall_ms(&self) -> u64 {
        unix_ms(self.wall_ms.load(Ordering::SeqCst))
    }

    fn is_unsure(&self) -> bool {
        self.read().is_unsure
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
            let reading = follower.read(WALL_MS + running_ms + jump_ms, running_ms);
            let followed_ms = reading.now_ms - WALL_MS - running_ms;
            assert!(reading.is_unsure || (followed_ms - jump_ms) == 0, "{reading:?}");
            followed_ms
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
    fn while_a_jump_may_be_none_the_wall_clock_is_told_and_time_is_unsure() {
        for jump_ms in [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS] {
            let clock = FollowingClock::new(WALL_MS as u64);
            let seen = || (clock.now_ms() as i64, clock.wall_ms() as i64, clock.is_unsure());
            clock.jump_ms(jump_ms);
            assert_eq!(seen(), (WALL_MS, WALL_MS + jump_ms, true));
            clock.pass_ms(JUMP_STANDS_MS as u64 - 1);
            let now_ms = WALL_MS + JUMP_STANDS_MS - 1;
            assert_eq!(seen(), (now_ms, now_ms + jump_ms, true));
            clock.pass_ms(1);
            assert_eq!(seen(), (now_ms + 1 + jump_ms, now_ms + 1 + jump_ms, false));

            clock.jump_ms(-jump_ms);
            assert!(clock.is_unsure());
            clock.jump_ms(jump_ms);
            assert_eq!(seen(), (now_ms + 1 + jump_ms, now_ms + 1 + jump_ms, false));
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
    fn both_clocks_are_read_at_once() {
        let clock = SystemClock::default();
        let before = (clock.now_ms(), clock.monotonic_us());
        let both = clock.now_ms_and_monotonic_us();
        assert!(before.1 <= both.1 && both.1 <= clock.monotonic_us());
        // The wall clock may have been set meanwhile, though hardly by an hour.
        assert!(before.0.abs_diff(both.0) < HOUR_MS as u64);
    }

    #[test]
    fn tests_move_the_clock_at_once() {
        let clock = SystemClock::default();
        let before = clock.now_ms();
        clock.advance_ms(90_000_000);
        assert!(clock.now_ms() >= before + 90_000_000);
    }
}
