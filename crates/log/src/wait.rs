//! A future's answer for a thread that has no runtime.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

/// Waits for a future on this thread, which sleeps meanwhile. Not for a runtime's worker: its tasks would wait too.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn an_answer_of_another_thread_is_waited_for() {
        let (ask, asked) = std::sync::mpsc::channel();
        let (answer, answered) = oneshot::channel();
        let other = std::thread::spawn(move || answer.send(asked.recv().map(|n: u32| n + 1)));
        let both = async {
            ask.send(6).expect("it listens");
            answered.await.expect("it answers")
        };
        assert_eq!(wait(both), Ok(7));
        other.join().expect("it ends").expect("it was waited for");
    }
}
