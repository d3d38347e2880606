import { ACCESSES } from '../support/resources.ts'
import type { Privileges, TablePrivileges } from './privileges-catalog.ts'

/*
 * Every privilege that there is, written down: a new one must be added here on purpose. What is granted is only the first
 * half: which rows it reaches is in access-matrix.ts.
 *
 * - `anon` has a token that everybody may have; `authenticated` are people; `service_role` is who runs commands, `muster_jobs` background work.
 * - `muster_definer` owns the security definer functions; `muster_api`, `muster_worker`, `muster_jobs`, `muster_signin` and `muster_replicator` are the logins.
 */

/** By the roles that may execute them. Trigger functions are called by nobody: triggers do not ask. */
const EXECUTE: Record<string, readonly string[]> = {
  // Made where they are missing, as Supabase has them. They read the caller's own claims.
  public: ['auth.jwt()', 'auth.role()', 'auth.uid()', 'realtime.topic()'],

  // Defaults, checks, indexes and policies call them as whoever writes or reads.
  'anon authenticated muster_definer service_role': [
    'muster.acting_role()',
    'muster.acts_for_caller()',
    'muster.codes_of_guarding()',
    'muster.codes_of_people()',
    'muster.codes_of_platform()',
    'muster.fail(text,text)',
    'muster.functions_of(text)',
    'muster.home_area(extensions.geography)',
    'muster.is_time_zone(text)',
    'muster.user_id()',
    'muster.uuid_v7()',
  ],
  'anon authenticated service_role': [
    'muster.admin_tenant_id()',
    'muster.client_company_ids()',
    'muster.client_id()',
    'muster.company_client_ids()',
    'muster.company_id()',
    'muster.guard_tenant_id()',
    'muster.professional_id()',
  ],
  'anon authenticated muster_api service_role': ['muster.tenant_id()'],
  'anon authenticated muster_api muster_worker service_role': [
    'muster.oldest_version()',
    'muster.schema_version()',
  ],

  authenticated: [
    'muster.caller_audience()',
    'muster.answer_check_ins(jsonb,text[])',
    'muster.change_assigned_shift(uuid,jsonb)',
    'muster.checkin_json(public.gps_checkins)',
    'muster.create_invitation(text,uuid,text,interval)',
    'muster.give_back_shift(uuid)',
    'muster.create_shifts(jsonb)',
    'muster.departures_for_caller(text,xid8,xid8,xid8,uuid,integer)',
    'muster.history_id()',
    'muster.me()',
    'muster.professional_home(uuid)',
    'muster.lapsed_of_shifts(timestamp with time zone)',
    'muster.store_check_in(uuid,uuid,text,extensions.geography,double precision,timestamp with time zone)',
    'muster.store_check_ins(uuid[],uuid[],text[],extensions.geography[],double precision[],timestamp with time zone[])',
    'muster.take_check_ins(jsonb)',
  ],
  'authenticated muster_definer': [
    'muster.changes_since(text,jsonb,integer)',
    'muster.channel_shift_id()',
    'muster.checkin_flags(double precision)',
    'muster.position_flags(double precision)',
    'muster.is_refusal(text)',
    'muster.manages_shift(public.shifts)',
    'muster.sees_shift(public.shifts)',
    'muster.shift_json(public.shifts,text)',
  ],
  'authenticated muster_definer service_role': [
    'muster.canonical_time_zone(text)',
    'muster.roles()',
    'muster.roles_of_guarding()',
    'muster.roles_of_people()',
  ],

  'muster_definer service_role': ['muster.notification_types_of_guarding()'],
  'authenticated service_role': ['muster.is_stranger(uuid)'],
  'authenticated muster_signin': [
    'muster.accept_invitation(text,text,text,double precision,double precision)',
  ],
  // Before there is a caller: see supabase/schemas/platform/sign-in.sql.
  muster_signin: [
    'muster.invitation_of(text)',
    'muster.refresh_session(text,text,interval,interval)',
    'muster.register_invited(text,text,text,text,double precision,double precision)',
    'muster.user_of_address(text)',
  ],
  'muster_signin muster_worker service_role': ['muster.may_sign_in(uuid)'],
  'muster_worker service_role': ['muster.suspended_users()'],
  muster_jobs: [
    'muster.close_left_shifts(integer)',
    'muster.close_missed_shifts(integer)',
    'muster.flag_late_shifts(integer)',
    'muster.refresh_report(text)',
  ],
  'muster_jobs service_role': [
    'muster.forget_departed_rows()',
    'muster.forget_idempotency_keys(interval)',
    'muster.sample_sizes()',
    'muster.tidy_sign_in()',
    'muster.warn_of_stale_payments()',
  ],
  service_role: ['muster.create_tenant(text,text,text,uuid)', 'muster.tables_from_future()'],
  // Called in one statement that takes on the caller's role (see src/platform/db/function-call.ts).
  'authenticated muster_api': [
    'muster.assign_shift(uuid,uuid)',
    'muster.claim_idempotency_key(text,text,boolean)',
    'muster.claim_shift(uuid)',
    'muster.keep_idempotent_response(text,text)',
    'muster.move_shift(uuid,text[],text,uuid,text)',
    'muster.nearby_shifts(double precision,double precision,double precision,integer,timestamp with time zone,timestamp with time zone,numeric,boolean,double precision,uuid)',
    'muster.record_check_in(uuid,uuid,text,double precision,double precision,double precision,timestamp with time zone)',
    'muster.nearby_check_ins(double precision,double precision,double precision,timestamp with time zone,timestamp with time zone,integer,timestamp with time zone,uuid)',
    'muster.record_check_ins(jsonb)',
    'muster.record_check_ins_once(text,text,jsonb)',
    'muster.reinstate_user(uuid)',
    'muster.release_shift(uuid)',
    'muster.shift_candidates(uuid,integer,boolean,double precision,uuid)',
    'muster.suspend_user(uuid,boolean)',
  ],
  // The gateway, before it has taken on a subscriber's role.
  muster_api: [
    'muster.audiences_of(uuid[])',
    'muster.change_audiences(jsonb,bigint[],interval,xid8)',
    'muster.has_audience(oid,name[])',
    'muster.visible_rows(text,text,text,text[],text,text,bigint[],interval)',
  ],
  'muster_api muster_definer': ['muster.await_xids(bigint[],interval)'],
  muster_definer: [
    'muster.acquaintances_of(uuid)',
    'muster.assignment_obstacles(uuid,public.shifts)',
    'muster.assignment_pay(public.assignments)',
    'muster.assignment_at(uuid,uuid,timestamp with time zone)',
    'muster.audience(text,jsonb,timestamp with time zone)',
    'muster.audience_of_assignments(jsonb,timestamp with time zone)',
    'muster.audience_of_finqle_transactions(jsonb,timestamp with time zone)',
    'muster.audience_of_gps_checkins(jsonb,timestamp with time zone)',
    'muster.audience_of_notifications(jsonb,timestamp with time zone)',
    'muster.audience_of_shifts(jsonb,timestamp with time zone)',
    'muster.check_in_time_refusal(public.assignments,timestamp with time zone)',
    'muster.groups_of_guarding(uuid[])',
    'muster.groups_of_people(uuid[])',
    'muster.join_as_zzp(uuid,uuid,double precision,double precision)',
    'muster.joining_as(text)',
    'muster.may_invite(text,uuid)',
    'muster.me_of_guarding(uuid)',
    'muster.begin_assignment(public.shifts)',
    'muster.clocked(public.assignments)',
    'muster.end_assignment(uuid,text)',
    'muster.follow_shift(public.shifts,boolean)',
    'muster.has_begun(public.shifts,uuid)',
    'muster.is_recorded_in_future(timestamp with time zone)',
    'muster.is_report_filled(regclass)',
    'muster.clock_events(uuid)',
    'muster.interval_from(timestamp with time zone,timestamp with time zone)',
    'muster.members_as(text,uuid)',
    'muster.sign_in_of_people(uuid)',
    'muster.standing_of(public.users)',
    'muster.suspension_of_guarding(uuid)',
    'muster.user_to_judge(uuid)',
    'muster.warn_of_expiring_documents(text)',
    'muster.metre_at_least(double precision,double precision)',
    'muster.metre_at_most(double precision,double precision)',
    'muster.most_pings_a_minute()',
    'muster.notify_company(public.shifts,text)',
    'muster.position_verdict(double precision,double precision,double precision)',
    'muster.notify_professional(public.shifts,uuid,text)',
    'muster.price_assignment(uuid)',
    'muster.record_no_show(public.shifts,uuid)',
    'muster.price_earlier_assignments(public.assignments)',
    'muster.reopen_assignment(uuid)',
    'muster.read_policies(oid)',
    'muster.require_read_committed()',
    'muster.last_day_of(timestamp with time zone,text)',
    'muster.seen_changes(jsonb)',
    'muster.seen_of_assignments(jsonb)',
    'muster.seen_of_finqle_transactions(jsonb)',
    'muster.seen_of_gps_checkins(jsonb)',
    'muster.seen_of_notifications(jsonb)',
    'muster.seen_of_shifts(jsonb)',
    'muster.search_origin(double precision,double precision)',
    'muster.search_reach(double precision)',
    'muster.terms_at(uuid,timestamp with time zone)',
    'muster.worked_intervals(uuid)',
    'muster.works_for(uuid,uuid)',
  ],

  // The owner, and those to whom the functions belong.
  '': [
    'muster.advance_assignment(uuid)',
    'muster.assignment_violations(uuid,public.shifts)',
    'muster.begin_history()',
    'muster.check_in_refusal(public.shifts,public.assignments,boolean)',
    'muster.count_candidate_page(uuid,text)',
    'muster.count_refused_assignment()',
    'muster.keep_report(regclass)',
    'muster.declare_audiences()',
    'muster.eligibility()',
    'muster.enable_change_capture()',
    'muster.follow_table(regclass,text,boolean,text[],text[])',
    'muster.pings_in_minute(uuid,uuid,timestamp with time zone)',
    'muster.require_refusals_left(uuid)',
    'muster.report_change(oid,text,integer[],text,text,integer[])',
    'muster.set_edit_trail()',
    'muster.set_updated_at()',
    'muster.sync_change_capture()',
    'muster.tg_check_payment()',
    'muster.tg_company_terms__set_tenant()',
    'muster.tg_finqle_transactions__renew_amount()',
    'muster.tg_follow_definitions()',
    'muster.tg_gps_checkins__advance_shifts()',
    'muster.tg_gps_checkins__judge()',
    'muster.tg_locations__check_unused()',
    'muster.tg_locations__move_shifts()',
    'muster.tg_locations__name_time_zone()',
    'muster.tg_note_caller()',
    'muster.tg_note_departure()',
    'muster.tg_notifications__check_type()',
    'muster.tg_notifications__stamp_read()',
    'muster.tg_organizations__check_kind()',
    'muster.tg_security_professionals__check_status()',
    'muster.tg_set_organization_kind()',
    'muster.tg_set_tenant_from_organization()',
    'muster.tg_shifts__check_assignment()',
    'muster.tg_shifts__check_removal()',
    'muster.tg_shifts__check_transition()',
    'muster.tg_shifts__close_channel()',
    'muster.tg_shifts__copy_location()',
    'muster.tg_shifts__follow_assignment()',
    'muster.tg_shifts__keep_promises()',
    'muster.tg_shifts__follow_briefing()',
    'muster.tg_soft_delete()',
    'muster.tg_stamp_change()',
    'muster.tg_users__follow_role()',
  ],
}

const READ = { select: '*' }
const READ_AND_WRITE = { select: '*', insert: '*', update: '*' }
const EVERYTHING = { ...READ_AND_WRITE, delete: '*' }

/** Table → role → privilege → columns; `*` is the whole table. */
/** Materialized views: their owner reads them, in functions. */
export const REPORTS = [
  'muster.company_hours_summary',
  'muster.driver_earnings_summary',
  'muster.professional_earnings_summary',
] as const

const TABLES: Record<string, TablePrivileges> = {
  'public.tenants': {
    authenticated: READ,
    service_role: EVERYTHING,
    muster_definer: { select: '*', insert: '*' },
  },
  'public.organizations': {
    authenticated: { select: '*', insert: 'id tenant_id name kind nd_number' },
    service_role: EVERYTHING,
    muster_definer: READ,
  },
  'public.company_clients': {
    authenticated: { select: '*', insert: 'id tenant_id company_id client_id', delete: '*' },
    service_role: EVERYTHING,
    muster_definer: READ,
  },
  // Without `email`.
  'public.users': {
    authenticated: { select: 'id tenant_id organization_id role name created_at updated_at deleted_at' },
    service_role: EVERYTHING,
    muster_definer: { select: '*', insert: '*', update: 'suspended_at ended_at' },
  },
  'public.memberships': {
    authenticated: READ,
    service_role: EVERYTHING,
    muster_definer: READ_AND_WRITE,
  },
  // Without `code_hash`.
  'public.invitations': {
    authenticated: {
      select:
        'id tenant_id organization_id role email expires_at accepted_at accepted_by created_by inviting_organization_id created_at updated_at',
      delete: '*',
    },
    service_role: EVERYTHING,
    muster_definer: READ_AND_WRITE,
  },
  // Without `home_point`, except to write it.
  'public.security_professionals': {
    authenticated: {
      select: 'id tenant_id user_id status created_at updated_at deleted_at',
      update: 'home_point status',
    },
    service_role: EVERYTHING,
    muster_definer: READ_AND_WRITE,
  },
  'public.locations': {
    authenticated: {
      select: '*',
      insert: 'id organization_id name address location_point radius_meters time_zone',
      update: 'name address location_point radius_meters time_zone',
      delete: '*',
    },
    service_role: EVERYTHING,
    muster_definer: { select: '*', update: '*' },
  },
  'public.shifts': {
    authenticated: {
      select: '*',
      insert:
        'id company_id location_id status start_datetime end_datetime hourly_rate overtime_rate required_certificates title description',
      update:
        'location_id professional_id status start_datetime end_datetime hourly_rate overtime_rate required_certificates title cancel_reason description',
      delete: '*',
    },
    service_role: EVERYTHING,
    muster_definer: { select: '*', update: '*' },
  },
  'public.gps_checkins': {
    authenticated: { select: '*', insert: 'id shift_id kind gps_point accuracy_meters recorded_at' },
    service_role: EVERYTHING,
    // Whose it is, is what nobody else may say: tg_gps_checkins__judge relies on it.
    muster_definer: {
      select: '*',
      insert:
        'id tenant_id company_id client_id shift_id professional_id kind gps_point accuracy_meters distance_meters is_within_radius verdict recorded_at assignment_id',
    },
  },
  'public.assignments': {
    authenticated: READ,
    service_role: EVERYTHING,
    muster_definer: READ_AND_WRITE,
  },
  ...Object.fromEntries(REPORTS.map((report) => [report, {}])),
  'public.company_terms': {
    authenticated: {
      select: '*',
      insert:
        'id company_id valid_from late_after_minutes auto_close_minutes minimum_minutes give_back_minutes delivery_days overtime_tolerance_minutes plan_tolerance_minutes approve_after_days dispute_days',
    },
    service_role: EVERYTHING,
    muster_definer: READ,
  },
  // Without what is between us and the payment provider.
  'public.finqle_transactions': {
    authenticated: {
      select:
        'id tenant_id company_id shift_id professional_id amount status provider_reference created_at updated_at changed_xid assignment_id',
    },
    service_role: EVERYTHING,
    muster_definer: READ_AND_WRITE,
  },
  'public.notifications': {
    authenticated: { select: '*', update: 'read_at' },
    service_role: EVERYTHING,
    muster_definer: { select: '*', insert: '*' },
  },
  'muster.idempotency_keys': { muster_definer: EVERYTHING },
  'muster.idempotency_usage': { muster_definer: EVERYTHING },
  'muster.candidate_pages': { muster_definer: READ_AND_WRITE },
  'muster.refused_assignments': { muster_definer: READ_AND_WRITE },
  'muster.departed_rows': { muster_definer: EVERYTHING },
  'muster.history': { muster_definer: { select: '*' } },
  'muster.jobs': { service_role: READ_AND_WRITE, muster_jobs: READ_AND_WRITE },
  'muster.size_samples': { muster_definer: { select: '*', insert: '*', delete: '*' } },
  'muster.changed_callers': { muster_definer: { select: '*', insert: '*', delete: '*' } },
  'muster.audiences': { muster_definer: { select: '*', insert: '*', delete: '*' } },
  'muster.change_numbers': {},
  'muster.change_outbox': {},
  // Sign-in's alone; whoever suspends a user, and background work, take away what they need not read.
  ...Object.fromEntries(
    ['users', 'accounts', 'two_factors', 'passkeys', 'keys'].map((name) => [
      `sign_in.${name}`,
      { muster_signin: EVERYTHING },
    ]),
  ),
  'sign_in.sessions': {
    muster_signin: EVERYTHING,
    muster_definer: { select: 'id user_id expires_at', delete: '*' },
  },
  'sign_in.spent_tokens': {
    muster_signin: EVERYTHING,
    muster_definer: { select: 'session_id', delete: '*' },
  },
  'sign_in.verifications': {
    muster_signin: EVERYTHING,
    muster_definer: { select: 'expires_at', delete: '*' },
  },
  // The history of migrations: the owner's alone.
  'drizzle.__drizzle_migrations': {},
  'drizzle.__drizzle_migrations_id_seq': {},
  // Never holds a row: its policies are tried on rows that are rolled back.
  'realtime.messages': {
    authenticated: { select: '*', insert: '*' },
    muster_api: { insert: '*' },
  },
}

export const PRIVILEGES: Privileges = {
  functions: Object.fromEntries(
    [EXECUTE, ...ACCESSES.map(({ functions }) => functions ?? {})]
      .flatMap((byRoles) => Object.entries(byRoles))
      .flatMap(([roles, functions]) => functions.map((name) => [name, roles])),
  ),
  tables: {
    ...TABLES,
    ...Object.fromEntries(ACCESSES.map(({ section, privileges }) => [section.table, privileges])),
  },
  schemas: {
    auth: { anon: 'usage', authenticated: 'usage', service_role: 'usage' },
    extensions: { anon: 'usage', authenticated: 'usage', service_role: 'usage', muster_definer: 'usage' },
    // muster_definer creates nothing: a role must have this to be given a function.
    muster: {
      anon: 'usage',
      authenticated: 'usage',
      service_role: 'usage',
      muster_definer: 'create usage',
      muster_api: 'usage',
      muster_worker: 'usage',
      muster_jobs: 'usage',
      muster_replicator: 'usage',
      muster_signin: 'usage',
    },
    sign_in: { muster_definer: 'usage', muster_signin: 'usage' },
    public: {
      public: 'usage',
      anon: 'usage',
      authenticated: 'usage',
      service_role: 'usage',
      muster_definer: 'usage',
    },
    realtime: { anon: 'usage', authenticated: 'usage', service_role: 'usage', muster_api: 'usage' },
  },
  // As PostgreSQL gives them; what a caller puts into the temporary schema is found by no function of ours.
  database: { public: 'connect temporary' },
  memberships: {
    anon: '',
    authenticated: '',
    service_role: '',
    muster_definer: '',
    muster_api: 'anon authenticated',
    muster_worker: 'muster_jobs service_role',
    muster_jobs: '',
    muster_replicator: '',
    muster_signin: '',
  },
}
