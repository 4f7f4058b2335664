//! What every durable engine must pass: the defects that were found in others, as rules, and the scenarios that all good
//! ones agree upon. Each is written once, and tried twice: on the real disk under tokio, where a crash is the end of an
//! engine without a shutdown, and on simulated machines of several seeds, where it is a kill or a loss of power that
//! takes any of what was not synced.
//!
//! `cargo test -p factum-tests --test conformance -- --list` lists them.

mod branches;
mod changed;
mod machine;
mod macros;
mod relaunch;
mod runs;
mod storage;
mod sweeps;
mod undo;
mod waits;
mod world;

/// Each scenario on machines of both kinds.
macro_rules! scenarios {
    (sweeps { $($sweep:ident,)* } $($module:ident { $($name:ident,)* })*) => {
        scenarios!(@on real, Real, { $($sweep)* } $($module { $($name)* })*);
        scenarios!(@on sim, Simulated, { $($sweep)* } $($module { $($name)* })*);
    };
    (@on $kind:ident, $made:ident, { $($sweep:ident)* } $($module:ident { $($name:ident)* })*) => {
        mod $kind {
            mod sweeps {
                $(#[test]
                fn $sweep() {
                    crate::sweeps::$sweep(crate::machine::Made::$made);
                })*
            }

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
    sweeps {
        rule_02_an_outcome_and_what_follows_from_it_are_one_record,
        a_childs_start_and_its_parents_record_are_one_write,
        whatever_fails_is_undone_wherever_the_process_ends,
        whatever_is_cancelled_is_undone_wherever_the_process_ends,
        what_was_acknowledged_is_there_wherever_the_process_ends,
    }
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
    relaunch {
        the_row_of_a_start_is_durable_before_the_body,
        relaunch_resumes_at_the_step_after_the_last_recorded,
        a_failed_step_replays_its_recorded_error,
        all_attempts_of_a_step_have_one_outcome,
        only_the_first_outcome_of_a_step_is_recorded,
        a_replay_runs_nothing_and_writes_nothing,
        a_terminal_state_is_never_resurrected,
        cancelling_what_has_ended_changes_nothing,
        rule_05_the_value_of_a_state_is_the_fact,
        rule_06_a_position_belongs_to_its_visit,
        rule_12_user_code_cannot_write_the_engines_records,
        rule_13_everybody_gets_the_value_that_is_bound,
        rule_17_places_and_keys_are_made_of_names_and_not_of_an_order,
        rule_26_a_process_replays_a_run_once,
        rule_25_what_panics_is_retried_by_its_policy_and_then_has_failed_visibly,
    }
    changed {
        an_order_that_was_swapped_is_detected_by_name,
        a_step_that_was_inserted_is_detected_by_name,
        a_step_that_was_removed_is_detected_by_name,
        rule_09_a_changed_plan_does_not_complete_with_nothing_done,
        rule_11_what_was_told_to_one_question_is_no_answer_to_another,
        a_call_that_is_built_and_dropped_takes_no_position,
    }
    branches {
        a_fan_in_of_1024_branches_replays,
        a_fan_in_that_is_cut_short_does_only_what_is_left,
        a_race_replays_the_same_winner_and_polls_nobody_else,
        the_loser_of_a_race_is_cancelled_and_takes_no_later_signal,
        a_randomized_poll_order_does_not_move_positions,
    }
    waits {
        a_replayed_sleep_keeps_its_original_wake_time,
        a_recovered_wait_resumes_its_deadline,
        a_timeout_stays_a_timeout,
        a_replayed_wait_takes_no_second_signal,
        a_signal_that_is_sent_while_nobody_waits_is_found,
        a_signal_that_is_sent_during_the_step_before_is_kept,
        again_carries_unread_signals,
        the_clock_of_a_run_never_goes_backwards_and_is_replayed,
    }
    runs {
        rule_24_concurrent_starts_of_one_id_execute_once,
        starts_that_differ_are_refused_and_execute_nothing,
        rule_08_a_handle_says_what_the_journal_says,
        rule_27_nothing_polls,
        rule_29_a_run_belongs_to_the_engine_and_not_to_its_caller,
        cancelling_a_parent_reaches_the_tree,
        a_shutdown_leaves_everything_recoverable_and_no_task_behind,
        poison_is_counted_per_run,
    }
    storage {
        rule_14_where_the_arena_ends_is_recovered,
        rule_15_a_torn_tail_is_cut_and_told_and_damage_elsewhere_is_an_error,
        rule_16_the_checksum_covers_everything,
        rule_18_what_is_cleaned_up_is_somewhere_else_before,
        rule_19_a_new_segment_is_known_before_anything_in_it_is,
        rule_20_the_lock_comes_first,
        rule_21_a_length_from_a_file_is_bounded_before_it_is_used,
        rule_23_durable_means_synced,
    }
    macros {
        rule_22_every_macro_is_expanded_and_run,
    }
}
