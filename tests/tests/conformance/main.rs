//! What every durable engine must pass: the defects that were found in others, as rules, and the scenarios that all good
//! ones agree upon. Each is written once, and tried twice: on the real disk under tokio, where a crash is the end of an
//! engine without a shutdown, and on simulated machines of several seeds, where it is a kill or a loss of power that
//! takes any of what was not synced.
//!
//! `cargo test -p factum-tests --test conformance -- --list` lists them.

mod machine;
mod undo;
mod world;

/// Each scenario on machines of both kinds.
macro_rules! scenarios {
    ($($module:ident { $($name:ident,)* })*) => {
        scenarios!(@on real, Real, $($module { $($name)* })*);
        scenarios!(@on sim, Simulated, $($module { $($name)* })*);
    };
    (@on $kind:ident, $made:ident, $($module:ident { $($name:ident)* })*) => {
        mod $kind {
            $(mod $module {
                use crate::machine::{Machine, Made};

                $(#[test]
                fn $name() {
                    for seed in 0..Made::$made.seeds() {
                        let machine = Machine::new(Made::$made, seed);
                        machine.run(crate::$module::$name(&machine));
                    }
                })*
            })*
        }
    };
}

scenarios! {
    undo {
        rule_01_the_decision_to_roll_back_is_a_fact,
        rule_03_an_attempt_of_which_nobody_knows_has_its_own_undo,
        rule_04_an_undo_is_bound_to_the_occurrence_of_its_step,
        rule_07_two_crashes_and_a_pause_inside_the_rollback_lose_nothing,
        rule_10_a_value_that_cannot_be_recorded_is_an_outcome_and_is_undone,
        rule_28_the_attempts_of_an_undo_are_facts,
        rule_30_a_rollback_is_shielded_from_cancels,
        a_run_that_pauses_itself_is_told_so,
    }
}
