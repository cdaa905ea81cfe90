//! Where passwords are hashed: so many at a time, so many waiting, and not one more.
//!
//! Each hash takes the memory that its cost says, so the number of workers bounds the memory. What
//! never happens here: a hash on a thread that serves connections, unless there are no workers: a
//! simulation has one thread, and wants it so.

use super::password::Workspace;
use crate::limits::HASH_QUEUE;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Why nothing was hashed.
#[derive(Clone, Debug)]
pub(super) enum PoolError {
    Busy,
    Failed(Fault),
}

pub(super) struct HashPool {
    /// None: no workers, all is done in place.
    workers: Option<Arc<Semaphore>>,
    /// Those who wait for a worker or have one.
    places: Arc<Semaphore>,
    workspaces: Workspaces,
}

/// The memory of hashes, one piece for each worker, kept: freed and asked for again at each hash,
/// it would lie about in every thread's heap, and a flood of logins would cost hundreds of MiB.
#[derive(Clone, Default)]
struct Workspaces(Arc<Mutex<Vec<Workspace>>>);

impl Workspaces {
    fn lock(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work<T>(&self, job: impl FnOnce(&mut Workspace) -> T) -> T {
        let mut workspace = self.lock().pop().unwrap_or_default();
        let result = job(&mut workspace);
        self.lock().push(workspace);
        result
    }
}

/// The right to hash one password now. A dropped turn is free again.
pub(super) struct Turn {
    worker: Option<OwnedSemaphorePermit>,
    workspaces: Workspaces,
    /// Dropped after the worker: whoever finds a place free finds no queue before it.
    _place: OwnedSemaphorePermit,
}

impl HashPool {
    pub fn new(workers: usize) -> HashPool {
        HashPool {
            workers: (workers > 0).then(|| Arc::new(Semaphore::new(workers))),
            places: Arc::new(Semaphore::new(HASH_QUEUE + workers)),
            workspaces: Workspaces::default(),
        }
    }

    /// Waits for a worker, in the order of asking; `Busy` if too many wait already.
    pub async fn turn(&self) -> Result<Turn, PoolError> {
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| PoolError::Busy)?;
        let worker = match &self.workers {
            Some(workers) => {
                let permit = workers.clone().acquire_owned().await;
                Some(permit.expect("because the semaphore is never closed"))
            }
            None => None,
        };
        Ok(Turn {
            worker,
            workspaces: self.workspaces.clone(),
            _place: place,
        })
    }
}

impl Turn {
    /// If the caller goes away meanwhile, the job still ends before its worker is free.
    pub async fn run<T: Send + 'static>(
        self,
        job: impl FnOnce(&mut Workspace) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        if self.worker.is_none() {
            return Ok(self.workspaces.work(job));
        }
        let held = self;
        let done = tokio::task::spawn_blocking(move || {
            let result = held.workspaces.work(job);
            drop(held);
            result
        });
        done.await
            .map_err(|error| PoolError::Failed(Fault::new("hashing a password", error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn never_runs_more_jobs_at_a_time_than_it_has_workers() {
        let pool = Arc::new(HashPool::new(2));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let jobs: Vec<_> = (0..20)
            .map(|n| {
                let (pool, running, most) = (pool.clone(), running.clone(), most.clone());
                tokio::spawn(async move {
                    let turn = pool.turn().await.expect("the queue is not full");
                    let job = move |_: &mut Workspace| {
                        most.fetch_max(
                            running.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        n
                    };
                    turn.run(job).await.expect("it does not panic")
                })
            })
            .collect();
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await.expect("no panic"), n);
        }
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn is_busy_when_too_many_wait_and_free_when_they_go() {
        let pool = HashPool::new(1);
        let first = pool.turn().await.expect("free");
        let mut waiting: Vec<_> = (0..HASH_QUEUE).map(|_| Box::pin(pool.turn())).collect();
        for turn in &mut waiting {
            let polled = poll_once(turn.as_mut());
            assert!(polled.is_none(), "it waits for the worker");
        }
        assert!(matches!(pool.turn().await, Err(PoolError::Busy)));
        waiting.pop();
        drop(first);
        assert!(waiting.remove(0).await.is_ok());
        drop(waiting);
        assert!(pool.turn().await.is_ok());
    }

    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_flood_of_logins_asks_for_memory_once_for_each_worker() {
        let pool = Arc::new(HashPool::new(2));
        let jobs: Vec<_> = (0..100)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let turn = pool.turn().await.expect("the queue is not full");
                    let job = |workspace: &mut Workspace| {
                        let is_new = workspace.blocks() == 0;
                        crate::auth::password::verify(workspace, PHC, &prepared())
                            .expect("readable");
                        assert_eq!(workspace.blocks(), 64);
                        is_new
                    };
                    turn.run(job).await.expect("it does not panic")
                })
            })
            .collect();
        let mut new = 0;
        for job in jobs {
            new += usize::from(job.await.expect("no panic"));
        }
        assert!((1..=2).contains(&new), "{new} hashes asked for memory");
        assert!(pool.workspaces.lock().len() <= 2);
    }

    const PHC: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM$\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn prepared() -> crate::auth::password::Prepared {
        crate::auth::password::prepare(b"pencil").expect("neither empty nor too long")
    }

    #[tokio::test]
    async fn works_in_place_without_workers() {
        let pool = HashPool::new(0);
        let thread = std::thread::current().id();
        let turn = pool.turn().await.expect("free");
        assert_eq!(
            turn.run(|_| std::thread::current().id())
                .await
                .expect("ran"),
            thread
        );
    }

    #[tokio::test]
    async fn a_job_that_panics_is_a_fault_and_frees_its_worker() {
        let pool = HashPool::new(1);
        let turn = pool.turn().await.expect("free");
        let result = turn.run(|_| panic!("as the test wants")).await;
        assert!(matches!(result, Err::<(), _>(PoolError::Failed(_))));
        assert!(pool.turn().await.is_ok());
    }
}
