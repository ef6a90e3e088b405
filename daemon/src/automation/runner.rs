//! The runner: takes steps from the writer, as many at once as the setting says, and tells how each went. A report that the
//! writer could not write is made again until it can; a daemon that ends first leaves the step to be done again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tollgate_shared::id::RequestId;
use tollgate_shared::time::Timestamp;
use tollgate_shared::workflow::{Step, StepWork};

use super::{actions, post, program};
use crate::core::workflows::{StepDone, StepOrder, Turn, Turned};
use crate::daemon::Daemon;
use crate::jobs::{AdminJob, TurnLost};

/// Between two tries to reach the writer.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest sleep: a clock that was set forward makes due what nobody rings for.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What is left of the time for shutting down when steps are ended: SIGTERM, two seconds, SIGKILL.
const ENDING: Duration = Duration::from_secs(4);

/// What the runner holds.
struct Runner {
    daemon: Arc<Daemon>,
    /// Requests with a step under way, and what stops it.
    in_hand: BTreeMap<RequestId, CancellationToken>,
    tasks: JoinSet<StepDone>,
    /// Which request's step a task is, for the one that panics, with its place and try.
    of_task: BTreeMap<Id, (RequestId, usize, u32)>,
    /// Not yet told.
    reports: VecDeque<StepDone>,
}

/// Runs until the stop, then gives steps the time that is left to end.
pub async fn run(daemon: Arc<Daemon>, stop: CancellationToken, shutdown: Duration) {
    let mut runner = Runner {
        daemon,
        in_hand: BTreeMap::new(),
        tasks: JoinSet::new(),
        of_task: BTreeMap::new(),
        reports: VecDeque::new(),
    };
    while !stop.is_cancelled() {
        let waited = runner.work_off(true).await;
        runner.wait(&stop, waited).await;
    }
    runner.end(shutdown.saturating_sub(ENDING)).await;
}

impl Runner {
    /// Tells everything that is to be told and takes what there are places for; gives the time to sleep at most.
    async fn work_off(&mut self, claim: bool) -> Duration {
        loop {
            let done = self.reports.pop_front();
            let reported = done.as_ref().and_then(|done| done.request);
            let in_hand = self
                .in_hand
                .keys()
                .copied()
                .filter(|id| Some(*id) != reported)
                .collect::<std::collections::BTreeSet<_>>();
            let claim = claim && in_hand.len() < self.daemon.automation.settings().concurrency;
            if done.is_none() && !claim {
                return LOOK_EVERY;
            }
            match self.turn(Turn { done: done.clone(), in_hand, claim }).await {
                Err(TurnLost) => {
                    self.reports.extend(done);
                    return AGAIN;
                }
                Ok(turned) => {
                    if let Some(id) = reported {
                        self.in_hand.remove(&id);
                    }
                    match turned.order {
                        Some(order) => self.begin(*order),
                        None if self.reports.is_empty() => return self.until(turned.next_due),
                        None => {}
                    }
                }
            }
        }
    }

    async fn turn(&self, turn: Turn) -> Result<Turned, TurnLost> {
        let (answer, waiting) = oneshot::channel();
        self.daemon.lanes.push_admin(AdminJob::Turn { turn, answer }).map_err(|_| TurnLost)?;
        waiting.await.unwrap_or(Err(TurnLost))
    }

    fn until(&self, due: Option<Timestamp>) -> Duration {
        let Some(due) = due else { return LOOK_EVERY };
        let micros = due.micros_since(self.daemon.clock.now()).max(0).unsigned_abs();
        Duration::from_micros(micros).min(LOOK_EVERY)
    }

    /// Waits for something to do; decides nothing.
    async fn wait(&mut self, stop: &CancellationToken, at_most: Duration) {
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
            () = self.daemon.automation.bell.notified() => self.stop_touched(),
            () = tokio::time::sleep(at_most) => {}
            () = stop.cancelled() => {}
        }
    }

    fn stop_touched(&mut self) {
        for id in self.daemon.automation.take_touched() {
            if let Some(stop) = self.in_hand.get(&id) {
                stop.cancel();
            }
        }
    }

    fn begin(&mut self, order: StepOrder) {
        let (stop, daemon, request) = (CancellationToken::new(), self.daemon.clone(), order.request);
        self.in_hand.insert(request, stop.clone());
        let (at, attempt) = (order.at, order.attempt);
        let task = self.tasks.spawn(async move { carry_out(&daemon, &order, &stop).await });
        self.of_task.insert(task.id(), (request, at, attempt));
    }

    fn ended(&mut self, ended: Result<(Id, StepDone), JoinError>) {
        let (task, done) = match ended {
            Ok((task, done)) => (task, done),
            Err(error) => {
                tracing::error!(error = %error, "a step ended unexpectedly");
                let done = StepDone {
                    error: Some("the daemon failed at it; its log says more".to_owned()),
                    ..StepDone::default()
                };
                (error.id(), done)
            }
        };
        if let Some((request, step, attempt)) = self.of_task.remove(&task) {
            self.reports.push_back(StepDone { request: Some(request), step, attempt, ..done });
        }
    }

    /// Waits for the steps under way and tells how they went; what does not end in time is ended and left as it stands:
    /// the next start does it again.
    async fn end(&mut self, time: Duration) {
        let deadline = tokio::time::Instant::now() + time;
        while !self.tasks.is_empty() {
            match tokio::time::timeout_at(deadline, self.tasks.join_next_with_id()).await {
                Ok(Some(ended)) => self.ended(ended),
                Ok(None) => break,
                Err(_) => {
                    tracing::warn!(
                        steps = self.tasks.len(),
                        "steps were ended; they are done again after the next start"
                    );
                    self.in_hand.values().for_each(CancellationToken::cancel);
                    while self.tasks.join_next().await.is_some() {}
                    break;
                }
            }
            self.work_off(false).await;
        }
        self.work_off(false).await;
    }
}

/// Does one step. The program and the host are asked about once more: what was right when the workflow was saved may not be
/// now.
async fn carry_out(daemon: &Arc<Daemon>, order: &StepOrder, stop: &CancellationToken) -> StepDone {
    let for_good = |error: String| StepDone { error: Some(error), final_failure: true, ..StepDone::default() };
    let payload = match payload_of(daemon, order.request).await {
        Ok(payload) => payload,
        Err(error) => return StepDone { error: Some(error), ..StepDone::default() },
    };
    let settings = daemon.automation.settings();
    match order.steps.get(order.at).and_then(Step::work) {
        Some(StepWork::Run(run)) => match actions::find(settings, &run.program) {
            Ok(path) => program::run(order, run, &path, &payload, &daemon.redactor(), stop).await,
            Err(error) => for_good(error.to_string()),
        },
        Some(StepWork::Http(http)) => post::post(order, http, settings, &payload, &daemon.redactor(), stop).await,
        Some(StepWork::Incident(_)) | None => for_good("this step is not for the runner".to_owned()),
    }
}

async fn payload_of(daemon: &Arc<Daemon>, request: RequestId) -> Result<String, String> {
    let reader = daemon.reader.clone();
    match tokio::task::spawn_blocking(move || reader.request(request)).await {
        Ok(Ok(found)) => Ok(found.and_then(|whole| whole.payload).unwrap_or_default()),
        Ok(Err(error)) => {
            tracing::error!(error = %crate::report(&error), "the payload of a request could not be read");
            Err("its payload could not be read; the daemon's log says why".to_owned())
        }
        Err(_) => Err("its payload could not be read".to_owned()),
    }
}
