//! What a function is the function of, in the words of messages.

/// What an attribute makes of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Step,
    Saga,
    Handler,
}

impl Kind {
    pub(super) fn a(self) -> &'static str {
        match self {
            Kind::Step => "a step",
            Kind::Saga => "a saga",
            Kind::Handler => "a handler",
        }
    }

    pub(super) fn the(self) -> &'static str {
        match self {
            Kind::Step => "the step",
            Kind::Saga => "the saga",
            Kind::Handler => "the handler",
        }
    }

    pub(super) fn attribute(self) -> &'static str {
        match self {
            Kind::Step => "#[step]",
            Kind::Saga => "#[saga]",
            Kind::Handler => "#[state]",
        }
    }

    /// Why it is one function, and not a family of them.
    pub(super) fn is_one(self) -> &'static str {
        match self {
            Kind::Step | Kind::Saga => "it has one name on disk",
            Kind::Handler => "it is that of one state",
        }
    }
}
