//! Waiting for the object store's futures from code that is not async.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

/// A small runtime that is waited for, wherever the caller runs.
pub struct Blocking(Option<Runtime>);

impl Blocking {
    /// A runtime on the caller's thread.
    ///
    /// # Errors
    /// Where the system has no more resources.
    pub fn new() -> io::Result<Self> {
        Builder::new_current_thread().enable_all().build().map(|runtime| Self(Some(runtime)))
    }

    /// Waits for a future. tokio forbids that inside a runtime, so there it is
    /// done on a thread of its own.
    ///
    /// # Errors
    /// Where that thread dies.
    pub fn wait<F: Future + Send>(&self, future: F) -> io::Result<F::Output>
    where
        F::Output: Send,
    {
        let gone = || io::Error::other("the runtime is gone");
        let runtime = self.0.as_ref().ok_or_else(gone)?;
        if Handle::try_current().is_err() {
            return Ok(runtime.block_on(future));
        }
        thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join().map_err(|_| gone()))
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        // Dropping a runtime waits, which is forbidden inside another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
