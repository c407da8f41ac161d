//! What happens without a call: transitions that become due, records that expire.
//!
//! Born with the server, aborted after its drain. It calls [`Kinesis::tick`] when that wants it, and at least once in a
//! while, because the service's clock may be moved.

use std::{sync::Arc, time::Duration};

use nautilus_kinesis::Kinesis;
use nautilus_log::Clock;

/// However much is due, a tick that could not do it does not keep a processor busy.
const BUSY_MIN: Duration = Duration::from_millis(5);
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Ticks for ever.
pub(crate) async fn run(kinesis: Kinesis, clock: Arc<dyn Clock>) {
    loop {
        let due_changed = kinesis.next_due_changed().notified(); // rung from here on, also while it ticks
        let due_ms = kinesis.tick().await;
        let wait = due_ms.map_or(IDLE_MAX, |due_ms| {
            Duration::from_millis(due_ms.saturating_sub(clock.now_ms())).clamp(BUSY_MIN, IDLE_MAX)
        });
        tokio::select! {
            () = due_changed => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
