//! The numbers of the kinds of records.

macro_rules! kinds {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// What a record is about, as the number on disk.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Kind {
            $($name = $number,)*
        }

        impl Kind {
            /// Every kind that this version reads and writes.
            #[cfg(test)]
            pub(crate) const ALL: &[Kind] = &[$(Kind::$name),*];

            pub(crate) fn from_number(number: u8) -> Option<Kind> {
                match number {
                    $($number => Some(Kind::$name),)*
                    _ => None,
                }
            }

            /// The kind in words.
            pub(crate) fn text(self) -> &'static str {
                match self {
                    $(Kind::$name => $text,)*
                }
            }
        }
    };
}

// The gaps belong to kinds that FORMAT.md names and later versions write.
kinds! {
    RunStarted = 1, "run started";
    StepAttempted = 2, "step attempted";
    AttemptFailed = 3, "attempt failed";
    StepDone = 4, "step done";
    StepFailed = 5, "step failed";
    ScopeEntered = 6, "scope entered";
    ScopeLeft = 7, "scope left";
    FactBound = 8, "fact bound";
    TimerSet = 9, "timer set";
    TimerFired = 10, "timer fired";
    SignalReceived = 11, "signal received";
    SignalConsumed = 12, "signal consumed";
    BranchWon = 13, "branch won";
    ChildStarted = 14, "child started";
    ChildEnded = 15, "child ended";
    StateEntered = 16, "state entered";
    Again = 17, "again";
    Published = 18, "published";
    RollbackDecided = 19, "rollback decided";
    CompensationStarted = 20, "compensation started";
    CompensationDone = 21, "compensation done";
    CompensationFailed = 22, "compensation failed";
    Stuck = 23, "stuck";
    Retried = 24, "retried";
    Resolved = 25, "resolved";
    Abandoned = 26, "abandoned";
    CancelRequested = 27, "cancel requested";
    Paused = 28, "paused";
    Resumed = 29, "resumed";
    Recovered = 30, "recovered";
    Poisoned = 31, "poisoned";
    Diverged = 32, "diverged";
    RunCompleted = 33, "run completed";
    RunFailed = 34, "run failed";
    RunCancelled = 35, "run cancelled";
    RunDeleted = 36, "run deleted";
    ArtifactPut = 37, "artifact put";
    LosersEnded = 40, "losers ended";
    ValueDrawn = 41, "value drawn";
    StartOptions = 42, "start options";
}
