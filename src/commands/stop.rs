//! Being told to stop: Ctrl-C and SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
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
        STOP.store(true, Ordering::Relaxed);
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
