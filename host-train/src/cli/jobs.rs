//! Trainings side by side: most of a training runs on one core.

use super::workshop;
use anyhow::{Result, anyhow};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;

/// Trainings at once: what was asked for, or one a core where the backend computes on the CPU, or one on a GPU.
pub fn at_once(asked: Option<NonZeroUsize>, backend: &str) -> usize {
    let cores = || match backend {
        "flex" | "ndarray" => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        _ => 1,
    };
    asked.map_or_else(cores, NonZeroUsize::get)
}

/// Does all of `work`, `at_once` at a time and in its order, and returns what came of it in the same order.
///
/// # Errors
/// What went wrong. Trainings beside it end at their next step, and nothing else begins.
pub fn side_by_side<W: Sync, T: Send>(
    at_once: usize,
    work: &[W],
    run: impl Fn(&W) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let queue = Mutex::new(work.iter().enumerate());
    let next = || queue.lock().ok()?.next();
    let worker = || {
        let _guard = StopOnPanic;
        let mut done = Vec::new();
        while let Some((place, item)) = next() {
            done.push((place, run(item).inspect_err(|_| workshop::stop())?));
        }
        Ok(done)
    };
    let results: Vec<Result<Vec<(usize, T)>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once.clamp(1, work.len().max(1))).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow!("a training panicked"))))
            .collect()
    });
    // Those that ended because of an error say that they were interrupted, which is not the reason.
    let (mut done, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(some) => done.extend(some),
            Err(error) => errors.push(error),
        }
    }
    errors.sort_by_key(workshop::is_interruption);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Ends what runs beside a training that panicked.
struct StopOnPanic;

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            workshop::stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn results_stand_in_the_order_of_the_work_whichever_ends_first() {
        let squares = side_by_side(3, &[5u64, 1, 4, 2, 3], |&n| {
            thread::sleep(std::time::Duration::from_millis(5 * n));
            Ok(n * n)
        });
        assert_eq!(squares.unwrap(), [25, 1, 16, 4, 9]);
        assert_eq!(side_by_side(2, &[(); 0], |()| Ok(())).unwrap().len(), 0);
    }

    /// The barrier opens for two at once, and never for one alone.
    #[test]
    fn as_many_run_at_once_as_shall() {
        let barrier = Barrier::new(2);
        side_by_side(2, &[(); 4], |()| Ok(barrier.wait().is_leader())).unwrap();
    }
}
