"""Words by which people call the columns and tables that we know; the likelier ones first."""

from __future__ import annotations

import re

_CREATED = (
    "created_at created signup_date signed_up signed_up_at signup_at sign_up registered_at registered registration_date"
    " joined joined_at join_date date_joined customer_since since created_on creation_date date_created first_seen"
)
_ACCOUNT = (
    "account_id account accountid org_id organization_id organisation_id organization organisation company_id tenant_id"
    " workspace_id customer_id customer customerid cust_id client_id team_id group_id account_number customer_no"
    " customer_number company org tenant workspace client"
)
_USER = (
    "user_id userid user uid member_id person_id actor_id actor distinct_id profile_id contact_id visitor_id"
    " user_email email login username user_name author author_id employee_id customer_id customer customerid"
)
KNOWN_NAMES: dict[str, dict[str, str]] = {
    "events": {
        "user_id": _USER,
        "event": "event event_name event_type event_type_name action activity feature_name feature verb operation"
        " service activity_type kind type name page endpoint what",
        "time": "time timestamp event_time occurred_at happened_at event_timestamp datetime date_time event_date when"
        " usage_date ts at logged_at created_at date day created",
        "account_id": _ACCOUNT,
        "session_id": "session_id session sessionid visit_id",
        "event_id": "event_id eventid uuid usage_id message_id log_id id guid",
        "value": "value event_value usage_count amount dollar_value quantity",
    },
    "users": {
        "user_id": "user_id userid user id uid member_id person_id contact_id user_email email login username",
        "account_id": _ACCOUNT,
        "created_at": _CREATED,
        "deactivated_at": "deactivated_at deactivated deleted_at disabled_at removed_at left_at archived_at left",
        "name": "name full_name display_name user_name first_name",
        "email": "email user_email mail email_address",
    },
    "accounts": {
        "account_id": _ACCOUNT + " id",
        "created_at": _CREATED,
        "name": "name account_name company_name org_name organization_name organisation_name customer_name company"
        " organisation organization customer account",
        "owner": "owner account_manager csm account_owner owner_name sales_rep customer_success_manager rep manager",
    },
    "subscriptions": {
        "account_id": _ACCOUNT,
        "start": "start start_date started_at starts_at starts started period_start current_period_start valid_from"
        " subscription_start begin begin_date contract_start effective_from from " + _CREATED,
        "end": "end end_date ended_at ends_at ends ended cancelled_at canceled_at cancelled_on canceled_on"
        " cancelled canceled cancel_date cancellation_date period_end current_period_end valid_to subscription_end"
        " churn_date churned_at expires_at contract_end effective_to expiry to",
        "plan": "plan plan_name plan_tier subscription_plan product product_name tier package edition plan_id",
        "mrr": "mrr mrr_amount monthly_recurring_revenue monthly_revenue monthly_price monthly_fee monthly_amount",
        "seats": "seats seat_count number_of_seats n_seats licenses licences license_count quantity users",
    },
    "usage_limits": {
        "account_id": _ACCOUNT,
        "time": "time timestamp read_at measured_at date day month recorded_at",
        "resource": "resource resource_name limit_name quota_name metric",
        "used": "used usage used_amount consumed consumption current",
        "limit": "limit quota allowance max cap included",
    },
    "tickets": {
        "ticket_id": "ticket_id ticketid case_id case_number issue_id ticket_number ticket id",
        "opened_at": "opened_at created_at submitted_at opened open_date date_opened created_on created reported_at",
        "account_id": _ACCOUNT,
        "user_id": "user_id requester_id reporter_id requester submitter_id user_email email",
        "resolved_at": "resolved_at closed_at solved_at resolved closed close_date date_closed solved",
        "sentiment": "sentiment",
        "csat": "csat satisfaction_score csat_score satisfaction rating",
    },
    "surveys": {
        "user_id": "user_id userid user respondent_id respondent user_email email",
        "time": "time answered_at responded_at survey_date submitted_at timestamp created_at date",
        "nps": "nps nps_score score",
    },
    "treatments": {
        "entity_id": "entity_id account_id user_id",
        "time": "time treated_at timestamp date started_at",
        "playbook": "playbook treatment",
    },
}
TITLES: dict[str, str] = {
    "events": "event events usage activity activities action actions log logs track tracks clickstream audit commits",
    "users": "user users people persons members contacts profiles logins",
    "accounts": "account accounts customers customer orgs org companies company organizations organisations tenants"
    " workspaces clients",
    "subscriptions": "subscription subscriptions contracts contract subs plans memberships customers licenses",
    "usage_limits": "limits limit quota quotas entitlements usage_limits",
    "tickets": "ticket tickets cases issues support conversations",
    "surveys": "survey surveys nps feedback responses",
    "treatments": "treatments treatment playbooks playbook",
}


def normal(written: str) -> str:
    """A name as words in small letters between underscores; what stands in brackets goes.

    >>> normal("User E-mail"), normal("MRR (£)"), normal("signedUpAt"), normal("Customer ID")
    ('user_email', 'mrr', 'signed_up_at', 'customer_id')
    """
    plain = re.sub(r"\(.*?\)|\[.*?\]", " ", written)
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain)
    words = re.findall(r"[^\W_]+", plain.lower())
    return re.sub(r"\be_mail\b", "email", "_".join(words)).replace("_e_mail", "_email")


def closeness(table: str, column: str, source: str) -> float:
    """From 0 to 1: how much a source column's name says that it is a canonical column.

    >>> closeness("events", "time", "time"), closeness("events", "time", "colour")
    (1.0, 0.0)
    >>> closeness("events", "time", "Event Time") > closeness("events", "time", "date") > 0.5
    True
    """
    known = KNOWN_NAMES[table].get(column, "").split()
    told = normal(source)
    bare = told.removeprefix(f"{table.rstrip('s')}_")
    if told == column:
        return 1.0
    for candidate, best in ((told, 0.98), (bare, 0.9)):
        if candidate in known:
            return best - 0.35 * known.index(candidate) / len(known)
    words = set(told.split("_"))
    near = [i for i, word in enumerate(known) if "_" in word and set(word.split("_")) <= words]
    return 0.5 - 0.2 * near[0] / len(known) if near else 0.0


def title_says(table: str, title: str) -> bool:
    """Whether a file's name says that it holds a table.

    >>> title_says("tickets", "support_tickets"), title_says("users", "tickets")
    (True, False)
    """
    words = normal(title).split("_")
    return bool(set(TITLES[table].split()) & ({*words, normal(title)} | {w.rstrip("s") for w in words}))
