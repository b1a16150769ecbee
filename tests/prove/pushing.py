"""What keeps one browser, or its push service, from the others, and a person from what is not for
them."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_OF_A_PERSON = "test_a_message_to_a_person_goes_to_each_of_their_browsers"
_LEFT_ALONE = "test_a_push_service_that_is_silent_is_left_alone_and_the_others_are_not"

PUSHING = (
    Mutation(
        name="push-service-is-not-the-channel",
        where="DeliveryExecutor._result",
        original="if delivery.speaks_for_provider:",
        mutated="if delivery is not None:",
        tests=("test_a_hostile_push_service_does_not_hold_up_the_others",),
    ),
    Mutation(
        name="silent-push-service",
        where="WebPushProvider._try",
        original="if not has_place or not host.circuit.allows(1, now):",
        mutated="if not has_place:",
        tests=(_LEFT_ALONE,),
    ),
    Mutation(
        name="places-of-silent-hosts",
        where="Hosts._has_place",
        original="return host.answers or self._silent < self._most_of_silent",
        mutated="return True",
        tests=("test_hosts_that_hang_take_a_quarter_of_the_calls_and_the_others_go_on",),
    ),
    Mutation(
        name="any-answer-is-of-a-subscription",
        where="WebPushProvider._try",
        original="silent = not status and delivery.error_class is not None",
        mutated="silent = delivery.error_class is not None",
        tests=("test_what_a_push_service_answers_however_often_is_about_its_subscription",),
    ),
    Mutation(
        name="browsers-once",
        where="address_to_browsers",
        original="await tx.messages.readdress(message, newest.id)",
        mutated="pass",
        tests=("test_what_is_claimed_again_is_not_addressed_again",),
    ),
    Mutation(
        name="own-id-is-no-token",
        where="Renderer._render_one",
        original="is_to_person(message) or (address is None and _has_no_address(message))",
        mutated="address is None and _has_no_address(message)",
        tests=(_OF_A_PERSON,),
    ),
    Mutation(
        name="link-is-no-code",
        where="read_notice",
        original="find_notice_violations(channel, context)",
        mutated="find_notice_violations(channel, {})",
        tests=("test_what_is_no_link_and_no_object_is_put_into_no_inbox",),
    ),
    Mutation(
        name="in-doubt-is-not-rejected",
        where="_MAY_BE_SENT",
        original="MessageStatus.SENT, MessageStatus.UNKNOWN",
        mutated="MessageStatus.SENT",
        tests=("test_a_push_says_of_each_browser_whether_it_may_still_be_shown",),
    ),
    Mutation(
        name="literal-contents-leave",
        where="_delete",
        original="(attempts, campaign_tests, literal_contents)",
        mutated="(attempts, campaign_tests)",
        tests=("test_what_a_message_says_without_a_template_leaves_with_it",),
    ),
)
