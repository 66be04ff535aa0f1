//! A gate that holds a fake server's answer until the test opens it.

use tokio::sync::watch;

/// Starts closed; once opened it stays open. Clones share one state.
#[derive(Debug, Clone)]
pub struct Gate {
    state: watch::Sender<GateState>,
}

#[derive(Debug, Default, Clone, Copy)]
struct GateState {
    open: bool,
    arrived: usize,
    left: usize,
}

impl Gate {
    pub fn new() -> Self {
        Self {
            state: watch::Sender::new(GateState::default()),
        }
    }

    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Waits until `count` calls have reached the gate.
    pub async fn wait_for_arrivals(&self, count: usize) {
        self.wait_until(|state| state.arrived >= count).await;
    }

    /// Waits until `count` calls have left it: passed, or, while it is closed, hung up.
    pub async fn wait_for_departures(&self, count: usize) {
        self.wait_until(|state| state.left >= count).await;
    }

    /// Called by the fakes: announces the arrival, then waits for the opening.
    pub async fn pass(&self) {
        self.state.send_modify(|state| state.arrived += 1);
        let _visit = Visit(self);
        self.wait_until(|state| state.open).await;
    }

    async fn wait_until(&self, reached: impl FnMut(&GateState) -> bool) {
        let mut state = self.state.subscribe();
        state
            .wait_for(reached)
            .await
            .expect("the gate owns the sender");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts the departure, also when the caller goes away and the call is dropped.
struct Visit<'a>(&'a Gate);

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.left += 1);
    }
}
