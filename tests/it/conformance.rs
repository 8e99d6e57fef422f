//! One set of stories, told twice: on the simulator with a paused clock, and on a real etcd, API server, controllers and
//! kwok. Where the two differ the simulator is wrong. The stand-in tenant's stories run on a real node as well.

/// The same stories in both worlds.
macro_rules! told_twice {
    ($stories:ident: $($story:ident)*) => {
        mod on_simulator {
            $(
                #[tokio::test(start_paused = true)]
                async fn $story() {
                    crate::conformance::$stories::$story(&crate::conformance::world::World::simulator(stringify!($story))).await;
                }
            )*
        }

        mod on_control_plane {
            $(
                #[tokio::test]
                async fn $story() {
                    let Some(world) = crate::conformance::world::World::control_plane(stringify!($story)).await else { return };
                    crate::conformance::$stories::$story(&world).await;
                    world.clean().await;
                }
            )*
        }
    };
}

pub(crate) mod acting;
pub(crate) mod adopting;
mod boots;
mod changing;
mod creating;
mod drift;
mod foreign;
mod guard;
mod hundred;
mod node;
mod node_acting;
mod node_faults;
mod operator;
mod pulling;
mod records;
mod reprovision;
mod restoring;
mod stories;
mod unfinished;
pub(crate) mod world;

told_twice! { stories:
    a_tenant_walks_through_its_stages_to_ready
    applying_again_changes_nothing_and_restarts_nobody
    a_new_image_waits_for_the_pod_to_be_deleted
    a_quota_that_is_too_small_refuses_the_pod_and_says_so
    an_edit_by_hand_makes_the_next_apply_conflict
    a_dry_run_stores_nothing
    another_uid_protects_the_pod
    unknown_fields_are_refused
    a_finalizer_keeps_the_namespace_terminating
    a_suspended_tenant_sleeps_and_wakes
    an_existing_secret_is_left_alone
    boots_are_learned_to_the_second_and_foretold
    a_tenant_can_be_looked_into_and_its_secrets_cannot
    a_tenant_as_rendered_has_nothing_to_find
    a_refusal_by_the_quota_is_found_with_its_figures
    labels_that_no_node_has_are_found
    a_request_that_no_node_can_meet_is_found
    a_storage_class_that_is_not_there_is_found
    a_wide_policy_and_an_ingress_without_tls_are_found
    doors_changed_by_hand_are_found_beside_the_tenants_own_render
    what_holds_a_namespace_is_found
}
