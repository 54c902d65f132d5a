//! A timer of the kernel's precision. The runtime's own wakes up to a millisecond late, which is more than a request takes.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;

pub(crate) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[expect(
        deprecated,
        reason = "deprecated for types whose descriptor may change under it, which that of OwnedFd cannot; what replaces it is unsafe"
    )]
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    /// Waits until `due`, some tens of microseconds late at most on an idle machine.
    pub(crate) async fn until(&self, due: Instant) -> io::Result<()> {
        let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) else {
            return Ok(());
        };
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval: none, it_value: timespec(rest)? };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|timer| {
                let mut expirations = [0_u8; 8];
                Ok(rustix::io::read(timer, &mut expirations)?)
            });
            // an error of the outer kind says that it was not ready after all
            if let Ok(read) = read {
                read?;
                return Ok(());
            }
        }
    }
}

fn timespec(duration: Duration) -> io::Result<Timespec> {
    let tv_sec = i64::try_from(duration.as_secs()).map_err(io::Error::other)?;
    Ok(Timespec { tv_sec, tv_nsec: duration.subsec_nanos().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_timer_is_never_early_and_serves_again() {
        let timer = Timer::new().unwrap();
        for microseconds in [1, 300, 2_000] {
            let due = Instant::now() + Duration::from_micros(microseconds);
            timer.until(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
        timer.until(Instant::now()).await.unwrap();
    }
}
