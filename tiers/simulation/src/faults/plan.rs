//! Which call meets which fault: the seed decides, call by call.

use std::sync::Arc;
use std::time::Duration;

use terrace_high_volume::KvErrorKind;
use terrace_high_volume::faults as kv;
use terrace_long_term::faults as blob;
use terrace_long_term::{BlobErrorKind, PutOutcome};

use crate::faults::Fault;
use crate::world::Course;

/// For the transactions of one node.
pub(crate) struct KvPlan {
    pub(crate) course: Arc<Course>,
    pub(crate) node: u32,
}

impl kv::Plan for KvPlan {
    fn at(&self, point: kv::Point) -> kv::Fault {
        use Fault as F;
        let choices: &[Fault] = match point {
            kv::Point::Begin => &[F::BeginUnavailable, F::BeginThrottled],
            kv::Point::ReadVersion => &[F::VersionUnavailable],
            kv::Point::CatalogVersion | kv::Point::Commit => &[],
            kv::Point::Get => &[F::GetUnavailable, F::GetTooOld, F::ReadSlow, F::ReadStalls],
            kv::Point::Range => &[F::RangeUnavailable, F::RangeTooOld, F::ReadSlow, F::ReadStalls],
        };
        let Some(fault) = self.course.strike(choices) else { return kv::Fault::None };
        match fault {
            F::BeginThrottled => kv::Fault::Fail(KvErrorKind::Throttled),
            F::GetTooOld | F::RangeTooOld => kv::Fault::Fail(KvErrorKind::TooOld),
            F::ReadSlow => kv::Fault::Slow(self.course.time(5, 400)),
            F::ReadStalls => kv::Fault::Slow(self.course.time(5_001, 9_000)),
            _ => kv::Fault::Fail(KvErrorKind::Unavailable),
        }
    }

    fn at_commit(&self) -> kv::CommitFault {
        use Fault as F;
        use kv::CommitFault as C;
        let choices = [
            F::CommitRefused,
            F::CommitConflict,
            F::CommitTooOld,
            F::CommitThrottled,
            F::CommitSlow,
            F::CommitStalls,
            F::CommitAnswerLost,
            F::CommitAnswerLost,
            F::CommitVanishes,
            F::CommitVanishesUnsettled,
            F::CommitLandsLate,
            F::CommitLandsLate,
        ];
        match self.course.springs_trap(self.node) {
            None => {}
            Some(F::CommitAnswerLost) => return C::LoseAnswer,
            Some(_) => return C::Before(kv::Fault::Slow(self.course.time(5, 60))),
        }
        let fail = |kind| C::Before(kv::Fault::Fail(kind));
        match self.course.strike(&choices) {
            None => C::Before(kv::Fault::None),
            Some(F::CommitConflict) => fail(KvErrorKind::Conflict),
            Some(F::CommitTooOld) => fail(KvErrorKind::TooOld),
            Some(F::CommitThrottled) => fail(KvErrorKind::Throttled),
            Some(F::CommitSlow) => C::Before(kv::Fault::Slow(self.course.time(5, 400))),
            Some(F::CommitStalls) => C::Before(kv::Fault::Slow(self.course.time(4_000, 9_000))),
            Some(F::CommitAnswerLost) => C::LoseAnswer,
            Some(F::CommitVanishes) => fail(KvErrorKind::MaybeCommitted { settled: true }),
            Some(F::CommitVanishesUnsettled) => fail(KvErrorKind::MaybeCommitted { settled: false }),
            Some(F::CommitLandsLate) => C::LandLate(self.course.time(0, 60)),
            Some(_) => fail(KvErrorKind::Unavailable),
        }
    }

    fn may_lose_answers(&self) -> bool {
        true
    }
}

/// For the blobs of one node.
pub(crate) struct BlobPlan(pub(crate) Arc<Course>);

impl blob::Plan for BlobPlan {
    fn fault(&self, call: &blob::Call<'_>) -> Option<blob::Fault> {
        use Fault as F;
        use blob::{Fault as B, Point};
        let choices: &[Fault] = match call.point {
            Point::Put => &[
                F::PutRefused,
                F::PutCut,
                F::PutCutUnknown,
                F::PutAnswerLost,
                F::PutLandsLate,
                F::PutSlow,
                F::PutStalls,
            ],
            Point::Get => &[F::GetRefused, F::GetBreaks, F::GetStalls, F::GetSlow],
            Point::Head | Point::Buckets | Point::ForgetBucket | Point::Deployment | Point::Bind => {
                &[F::LookRefused]
            }
            Point::Delete => &[F::DeleteRefused, F::DeleteAnswerLost, F::DeleteSlow],
            Point::List => &[F::ListStale, F::ListRefused],
            Point::Copy => &[F::CopyRefused, F::CopyAnswerLost, F::CopyStalls],
        };
        let somewhere = || self.0.number(0, 600);
        let fault = self.0.strike(choices)?;
        if fault == F::PutLandsLate
            && let Some(key) = call.key
        {
            self.0.lands_late(key.rev);
        }
        Some(match fault {
            F::PutCut => B::PutCut { at: somewhere(), outcome: PutOutcome::Settled },
            F::PutCutUnknown => B::PutCut { at: somewhere(), outcome: PutOutcome::Unknown },
            F::PutAnswerLost | F::DeleteAnswerLost | F::CopyAnswerLost => B::AnswerLost,
            F::PutLandsLate => B::LandsLate(self.0.time(0, 3_000)),
            F::PutSlow | F::GetSlow | F::DeleteSlow => B::Slow(self.0.time(5, 800)),
            F::PutStalls if self.0.number(0, 1) == 0 => B::StallsAt(somewhere()),
            F::GetBreaks => B::BreaksAt(somewhere()),
            F::GetStalls => B::StallsAt(somewhere()),
            F::PutStalls | F::CopyStalls => B::Stalled,
            F::ListStale => B::Stale(usize::try_from(self.0.number(1, 8)).unwrap_or(1)),
            _ => B::Refused(if self.0.number(0, 1) == 0 {
                BlobErrorKind::Unavailable
            } else {
                BlobErrorKind::Throttled
            }),
        })
    }
}

/// How long the layers above the blob store wait for it.
pub(crate) fn patience() -> terrace_long_term::layers::timeout::TimeoutOptions {
    let seconds = Duration::from_secs;
    terrace_long_term::layers::timeout::TimeoutOptions {
        call: seconds(1),
        idle: seconds(2),
        finish: seconds(3),
    }
}
