//! Being told to stop: Ctrl-C and SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Set once the process was told to stop. The first signal sets it; a second one ends the
/// process at once, which loses nothing: what is not written is read again.
pub fn flag() -> &'static Arc<AtomicBool> {
    static LISTENING: std::sync::Once = std::sync::Once::new();
    LISTENING.call_once(|| {
        std::thread::spawn(listen);
    });
    &STOP
}

fn listen() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(async {
        signal().await;
        tell(&STOP);
        signal().await;
        std::process::exit(130);
    });
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// Who waits in [`pause`].
static WAITING: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// Sets a flag, and wakes who waits for it.
pub fn tell(flag: &AtomicBool) {
    let _held = WAITING.0.lock().unwrap_or_else(PoisonError::into_inner);
    flag.store(true, Ordering::Relaxed);
    WAITING.1.notify_all();
}

/// Waits so long, or until the process is told to stop, or until somebody tells `over`: without waking up
/// in between, as [`sleep`] does.
pub fn pause(length: Duration, over: &AtomicBool) {
    let held = WAITING.0.lock().unwrap_or_else(PoisonError::into_inner);
    let go_on = |_: &mut ()| !told() && !over.load(Ordering::Relaxed);
    let _ = WAITING.1.wait_timeout_while(held, length, go_on);
}

/// Whether the process was told to stop.
pub fn told() -> bool {
    flag().load(Ordering::Relaxed)
}

/// Waits until the process is told to stop.
pub fn wait() {
    while !told() {
        sleep(Duration::MAX / 4);
    }
}

/// Waits so long, or until the process is told to stop.
pub fn sleep(length: Duration) {
    let until = Instant::now() + length;
    while !told() && Instant::now() < until {
        std::thread::sleep(
            Duration::from_millis(100).min(until.saturating_duration_since(Instant::now())),
        );
    }
}
