-- Where PostGIS is looked for, also when another tool than ours runs this file.
set search_path = public, extensions;
--> statement-breakpoint
-- Constraints and indexes that Drizzle cannot declare.

-- Half-open ranges: back-to-back shifts do not overlap. One that cannot be evaded, whatever path a write takes.
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conname = 'shifts_no_overlap') then
    alter table public.shifts add constraint shifts_no_overlap
      exclude using gist (professional_id with =, tstzrange(start_datetime, end_datetime) with &&)
      where (status in ('assigned', 'active') and deleted_at is null);
  end if;
end
$$;
--> statement-breakpoint
comment on constraint shifts_no_overlap on public.shifts is
  'A professional works one shift at a time, across all companies.';
--> statement-breakpoint
-- The newest migration that the database has, whichever tool applied it. Each migration says its own name here.

create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795305602_rules';
--> statement-breakpoint
comment on function muster.schema_version() is 'The newest migration: readiness compares it with the newest file.';
--> statement-breakpoint
revoke execute on function muster.schema_version() from public;
--> statement-breakpoint
grant execute on function muster.schema_version() to anon, authenticated, service_role, muster_api, muster_worker;
--> statement-breakpoint
grant usage on schema muster to muster_api, muster_worker;
--> statement-breakpoint
-- Shifts: what a shift copies from its location, its states, and who may be assigned to it.
--
-- * A shift is at a location of its company, or of one of that company's clients; tenant, client, point and time zone
--   come from there and follow it until the shift is over.
-- * draft → published → assigned → active → completed; cancelled from the first four, with a reason; assigned →
--   published on release. Everything else is refused. Active and completed come from check-ins alone.
-- * A guard may only claim: published → assigned, to themselves, changing nothing else.
-- * An assigned or active shift has an active professional of its tenant with every required certificate, verified and
--   valid through the day on which the shift ends, local to the location, and no other such shift at the same time.
-- * Whatever decides about a professional locks the professional's row first, so that decisions about the same
--   professional stand in one queue: no write skew, and no deadlock among the index entries of the exclusion
--   constraint, which backs the overlap rule. Locks are taken in the order location, shift, professional.

create or replace function muster.set_edit_trail() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  if tg_op = 'INSERT' then
    new.created_by := coalesce(muster.user_id(), new.created_by);
  end if;
  new.updated_by := coalesce(muster.user_id(), new.updated_by);
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.set_edit_trail() is 'Who wrote the row last, and when.';
--> statement-breakpoint
create or replace function muster.set_updated_at() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.set_updated_at() is 'When the row was written last.';
--> statement-breakpoint
-- A check that reads what it has to weigh only after it got the lock needs each statement to see what others have
-- committed by then. Under REPEATABLE READ it would weigh the past.
create or replace function muster.require_read_committed() returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform muster.fail('isolation_unsupported');
  end if;
end
$$;
--> statement-breakpoint
comment on function muster.require_read_committed() is 'Refuses a transaction whose snapshot is older than its locks.';
--> statement-breakpoint
grant execute on function muster.require_read_committed() to muster_definer;
--> statement-breakpoint
-- Every reason against `professional` working `shift`, in the order in which the trigger would name them.
-- `detail` is a certificate's kind, the name of a field, or null: never anything about another shift.
create or replace function muster.assignment_violations(professional uuid, shift public.shifts)
returns table (code text, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  candidate record;
  required text;
  valid_through date;
  last_day date := (shift.end_datetime at time zone shift.time_zone)::date;
begin
  select p.status into candidate
  from public.security_professionals p
  join public.users u on u.id = p.user_id
  where p.id = professional
    and p.tenant_id = shift.tenant_id
    and p.deleted_at is null
    and u.deleted_at is null;
  if not found then
    code := 'not_found';
    detail := 'professional_id';
    return next;
    return;
  end if;

  if candidate.status <> 'active' then
    code := 'professional_inactive';
    return next;
  end if;

  foreach required in array shift.required_certificates loop
    select max(c.valid_until) into valid_through
    from public.certificates c
    where c.professional_id = professional
      and c.kind = required
      and c.verified_at is not null
      and c.deleted_at is null
      and (c.company_id is null or c.company_id = shift.company_id);
    if valid_through is null or valid_through < last_day then
      code := case when valid_through is null then 'certificate_missing' else 'certificate_expired' end;
      detail := required;
      return next;
    end if;
  end loop;

  if exists (
    select from public.shifts other
    where other.professional_id = professional
      and other.status in ('assigned', 'active')
      and other.deleted_at is null
      and other.id <> shift.id
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
end
$$;
--> statement-breakpoint
comment on function muster.assignment_violations(uuid, public.shifts) is
  'Every rule that the professional would break by working the shift. Security definer: other companies'' shifts count.';
--> statement-breakpoint
-- The policies of `shifts` once more, for functions that must tell those who see a shift from those who may change it:
-- to the first it is forbidden, to everybody else there is no such shift. A test holds the two alike.
create or replace function muster.manages_shift(shift public.shifts) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(shift.company_id = muster.company_id() or shift.tenant_id = muster.admin_tenant_id(), false)
$$;
--> statement-breakpoint
comment on function muster.manages_shift(public.shifts) is 'Whether the caller is of the shift''s company, or an admin.';
--> statement-breakpoint
create or replace function muster.sees_shift(shift public.shifts) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select shift.deleted_at is null and coalesce(
    muster.manages_shift(shift)
    or (shift.client_id = muster.client_id() and shift.status <> 'draft')
    or (shift.professional_id = muster.professional_id() and shift.status in ('assigned', 'active', 'completed'))
    or (
      shift.tenant_id = muster.guard_tenant_id() and shift.status = 'published' and shift.start_datetime > now()
    ),
    false
  )
$$;
--> statement-breakpoint
comment on function muster.sees_shift(public.shifts) is 'What policy shifts_read says of one shift.';
--> statement-breakpoint
-- One step of a shift by hand, as the caller. The policies and triggers decide; this says why nothing happened.
-- Only from `expected`: setting the status alone would make "publish" release an assigned shift.
create or replace function muster.move_shift(
  wanted uuid,
  expected text[],
  next_status text,
  professional uuid default null,
  reason text default null
) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  update public.shifts s
  set status = next_status, professional_id = coalesce(professional, s.professional_id), cancel_reason = reason
  where s.id = wanted and s.status = any (expected)
  returning s.* into shift;
  if found then
    return muster.shift_json(shift);
  end if;

  select s.* into shift from public.shifts s where s.id = wanted;
  if not found then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;
  perform muster.fail(case next_status when 'assigned' then 'shift_not_open' else 'invalid_transition' end, 'status');
end
$$;
--> statement-breakpoint
comment on function muster.move_shift(uuid, text[], text, uuid, text) is
  'Publishes, assigns, releases or cancels as the caller: the shift in the form of the API, or the reason why not.';
--> statement-breakpoint
-- All or none, as the caller: its policies and the triggers decide about each of `items`, an array of shifts with every
-- member of the insert below (a null company_id is the caller's). Gives {"shifts": [...]} in order, or, with nothing
-- created, {"refused": [{index, sqlstate, constraint, hint}]} for every item that would be refused by itself.
create or replace function muster.create_shifts(items jsonb) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  created jsonb;
  refused jsonb := '[]';
  answer jsonb;
  state text;
  constraint_ text;
  hint_ text;
begin
  begin
    with given as materialized (
      select muster.uuid_v7() as id, e.nth, i.*
      from jsonb_array_elements(items) with ordinality as e (item, nth)
      cross join lateral jsonb_to_record(e.item) as i (
        company_id uuid, location_id uuid, status text, start_datetime timestamptz, end_datetime timestamptz,
        hourly_rate numeric, overtime_rate numeric, required_certificates text[], title text, instructions text
      )
    ), inserted as (
      insert into public.shifts as s (
        id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
        required_certificates, title, instructions
      )
      select g.id, coalesce(g.company_id, muster.company_id()), g.location_id, g.status, g.start_datetime,
             g.end_datetime, g.hourly_rate, g.overtime_rate, g.required_certificates, g.title, g.instructions
      from given g
      order by g.nth
      returning s.id, muster.shift_json(s) as shift
    )
    select coalesce(jsonb_agg(i.shift order by g.nth), '[]') into created
    from inserted i
    join given g on g.id = i.id;
    return jsonb_build_object('shifts', created);
  exception
    when others then
      get stacked diagnostics
        state = returned_sqlstate, constraint_ = constraint_name, hint_ = pg_exception_hint;
      if not muster.is_refusal(state) then
        raise;
      end if;
  end;
  if jsonb_array_length(items) = 1 then
    return jsonb_build_object('refused', jsonb_build_array(
      jsonb_build_object('index', 0, 'sqlstate', state, 'constraint', constraint_, 'hint', hint_)
    ));
  end if;

  -- Which ones? Each is tried by itself, and what that creates is undone.
  created := '[]';
  begin
    for nth in 0 .. jsonb_array_length(items) - 1 loop
      answer := muster.create_shifts(jsonb_build_array(items -> nth));
      created := created || coalesce(answer -> 'shifts', '[]');
      if answer ? 'refused' then
        refused := refused || jsonb_set(answer #> '{refused,0}', '{index}', to_jsonb(nth));
      end if;
    end loop;
    if refused <> '[]' then
      raise sqlstate 'MU000';
    end if;
  exception
    when sqlstate 'MU000' then
      return jsonb_build_object('refused', refused);
  end;
  return jsonb_build_object('shifts', created);
end
$$;
--> statement-breakpoint
comment on function muster.create_shifts(jsonb) is 'Creates shifts as the caller, all or none, and tells which were refused.';
--> statement-breakpoint
create or replace function muster.tg_shifts__copy_location() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  site record;
begin
  if tg_op = 'UPDATE' then
    if new.company_id <> old.company_id or new.tenant_id <> old.tenant_id then
      perform muster.fail('forbidden', 'company_id');
    end if;
    if new.location_id = old.location_id then
      new.client_id := old.client_id;
      -- Whoever writes them, they are what they are at the location. Moving it comes by here too.
      if new.time_zone <> old.time_zone or new.location_point::text <> old.location_point::text then
        select l.location_point, l.time_zone into new.location_point, new.time_zone
        from public.locations l
        where l.id = new.location_id;
      end if;
      return new;
    end if;
  end if;

  -- Decided before the site is looked at: the answer must not tell whose site it is, or which company works there.
  if muster.acts_for_caller() and not coalesce(new.company_id = muster.company_id(), false) and not exists (
    select from public.organizations o where o.id = new.company_id and o.tenant_id = muster.admin_tenant_id()
  ) then
    perform muster.fail('forbidden', 'company_id');
  end if;

  -- The lock keeps the location where it is until this shift is committed; moving it then moves this shift too.
  -- (A shift that goes to another location is locked before that one: with two that move at the same moment it can
  -- deadlock, and is tried again.)
  select l.tenant_id, l.organization_id, l.location_point, l.time_zone into site
  from public.locations l
  where l.id = new.location_id and l.deleted_at is null
  for share;
  if not found or not (
    new.company_id = site.organization_id
    or exists (
      select from public.company_clients c
      where c.company_id = new.company_id and c.client_id = site.organization_id
    )
  ) then
    perform muster.fail('not_found', 'location_id');
  end if;

  new.tenant_id := site.tenant_id;
  new.client_id := site.organization_id;
  new.location_point := site.location_point;
  new.time_zone := site.time_zone;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_shifts__copy_location() is
  'Security definer: a company works at locations that its own policies need not show in full.';
--> statement-breakpoint
-- Runs with the rights of whoever writes: `current_user` tells a caller from the functions that act for it.
create or replace function muster.tg_shifts__check_transition() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  by_caller boolean := current_user <> 'muster_definer' and muster.acts_for_caller();
begin
  if tg_op = 'INSERT' then
    if by_caller and new.status not in ('draft', 'published') then
      perform muster.fail('invalid_transition', 'status');
    end if;
    return new;
  end if;

  if old.status in ('completed', 'cancelled') and (
    (to_jsonb(new) - 'updated_at' - 'updated_by' - 'deleted_at')
    <> (to_jsonb(old) - 'updated_at' - 'updated_by' - 'deleted_at')
  ) then
    perform muster.fail('invalid_transition', 'status');
  end if;

  if new.status <> old.status then
    if new.status = 'assigned' and (old.status <> 'published' or new.end_datetime <= now()) then
      perform muster.fail('shift_not_open', 'status');
    end if;
    if (old.status, new.status) not in (
      ('draft', 'published'),
      ('published', 'assigned'),
      ('assigned', 'active'),
      ('assigned', 'published'),
      ('active', 'completed'),
      ('draft', 'cancelled'),
      ('published', 'cancelled'),
      ('assigned', 'cancelled'),
      ('active', 'cancelled')
    ) then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status in ('active', 'completed') then
      perform muster.fail('forbidden', 'status');
    end if;
    if new.status = 'published' then
      new.professional_id := null;
    end if;
  end if;

  -- A professional comes with assignment and goes with release; to swap, release first.
  if new.professional_id is distinct from old.professional_id
    and not (new.status <> old.status and new.status in ('assigned', 'published')) then
    perform muster.fail('invalid_transition', 'professional_id');
  end if;

  if by_caller and muster.guard_tenant_id() is not null and (
    new.status <> 'assigned'
    or new.professional_id is distinct from muster.professional_id()
    or (to_jsonb(new) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
      <> (to_jsonb(old) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
  ) then
    perform muster.fail('forbidden', 'claim');
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_shifts__check_transition() is 'The state machine, and what a guard who claims may not touch.';
--> statement-breakpoint
create or replace function muster.tg_shifts__check_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  violation record;
begin
  -- The constraint refuses these; a range cannot be made of them.
  if new.end_datetime < new.start_datetime then
    return new;
  end if;
  perform muster.require_read_committed();
  perform from public.security_professionals p where p.id = new.professional_id for no key update;
  select v.code, v.detail into violation from muster.assignment_violations(new.professional_id, new) v limit 1;
  if found then
    perform muster.fail(violation.code, violation.detail);
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_shifts__check_assignment() is
  'Security definer: it counts shifts of other companies, which the caller cannot see.';
--> statement-breakpoint
create or replace function muster.tg_locations__move_shifts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  -- A shift that came here while this waited for the location must be seen.
  perform muster.require_read_committed();
  -- All shifts, then all professionals, each in one order: two locations that move at once do not deadlock.
  perform from public.shifts s
  where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active')
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (
    select s.professional_id from public.shifts s
    where s.location_id = new.id and s.status in ('assigned', 'active')
  )
  order by p.id
  for no key update;
  update public.shifts s
  set location_point = new.location_point, time_zone = new.time_zone
  where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active');
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_locations__move_shifts() is
  'Shifts that are not over follow their location. Security definer: also those of companies that the caller cannot see.';
--> statement-breakpoint
create or replace function muster.tg_locations__check_unused() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  perform muster.require_read_committed();
  if exists (
    select from public.shifts s
    where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active') and s.deleted_at is null
  ) then
    perform muster.fail('location_in_use');
  end if;
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_locations__check_unused() is 'A location with shifts that are not over cannot be removed.';
--> statement-breakpoint
-- `delete` by an API role is a soft delete, whichever path it comes by; policies say who may, this says when.
create or replace function muster.tg_soft_delete() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if not muster.acts_for_caller() then
    return old;
  end if;
  case tg_table_name
    when 'shifts' then
      if old.status not in ('draft', 'published', 'cancelled') then
        perform muster.fail('invalid_transition', 'status');
      end if;
      update public.shifts s set deleted_at = now() where s.id = old.id;
    when 'locations' then
      update public.locations l set deleted_at = now() where l.id = old.id;
    when 'certificates' then
      update public.certificates c set deleted_at = now() where c.id = old.id;
  end case;
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_soft_delete() is
  'Sets deleted_at instead. Security definer: the caller cannot update a row that its own policy hides afterwards.';
--> statement-breakpoint
create or replace trigger a_copy_location before insert or update on public.shifts
  for each row execute function muster.tg_shifts__copy_location();
--> statement-breakpoint
create or replace trigger b_check_transition before insert or update on public.shifts
  for each row execute function muster.tg_shifts__check_transition();
--> statement-breakpoint
create or replace trigger c_check_assignment_on_insert before insert on public.shifts
  for each row when (new.status in ('assigned', 'active'))
  execute function muster.tg_shifts__check_assignment();
--> statement-breakpoint
create or replace trigger c_check_assignment_on_update before update on public.shifts
  for each row when (
    new.status in ('assigned', 'active')
    and (
      old.status not in ('assigned', 'active')
      or new.professional_id is distinct from old.professional_id
      or new.start_datetime <> old.start_datetime
      or new.end_datetime <> old.end_datetime
      -- Where it is no longer matters when it is over: what it rested on may have gone since.
      or (new.time_zone <> old.time_zone and new.end_datetime > now())
      or new.required_certificates <> old.required_certificates
    )
  )
  execute function muster.tg_shifts__check_assignment();
--> statement-breakpoint
create or replace trigger d_edit_trail before insert or update on public.shifts
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
create or replace trigger soft_delete before delete on public.shifts
  for each row execute function muster.tg_soft_delete();
--> statement-breakpoint
create or replace trigger move_shifts after update on public.locations
  for each row when (
    old.time_zone <> new.time_zone or old.location_point::text <> new.location_point::text
  )
  execute function muster.tg_locations__move_shifts();
--> statement-breakpoint
create or replace trigger check_unused after update on public.locations
  for each row when (old.deleted_at is null and new.deleted_at is not null)
  execute function muster.tg_locations__check_unused();
--> statement-breakpoint
create or replace trigger edit_trail before insert or update on public.locations
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
create or replace trigger soft_delete before delete on public.locations
  for each row execute function muster.tg_soft_delete();
--> statement-breakpoint
create or replace trigger edit_trail before insert or update on public.organizations
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
create or replace trigger edit_trail before insert or update on public.users
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
create or replace trigger updated_at before update on public.tenants
  for each row execute function muster.set_updated_at();
--> statement-breakpoint
create or replace trigger updated_at before update on public.company_clients
  for each row execute function muster.set_updated_at();
--> statement-breakpoint
grant execute on function muster.manages_shift(public.shifts), muster.sees_shift(public.shifts)
  to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.move_shift(uuid, text[], text, uuid, text), muster.create_shifts(jsonb)
  to authenticated;
--> statement-breakpoint
alter function muster.assignment_violations(uuid, public.shifts) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_shifts__copy_location() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_shifts__check_assignment() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_locations__move_shifts() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_locations__check_unused() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_soft_delete() owner to muster_definer;
--> statement-breakpoint
-- Certificates and professionals: what an assignment rests on cannot be taken away while it stands.
--
-- * Only an admin verifies; `verified_at` and `verified_by` are when and who, whatever the client sends.
-- * A certificate that an assigned or active shift (not yet over) needs cannot be withdrawn, shortened or deleted: the
--   shift is released first.
-- * A professional with such a shift cannot be suspended or made inactive: the same.
-- * Both take the professional's row lock, in which assignments queue too, so the two never pass each other.
-- * Only an admin changes a professional's status; a guard changes their own home point.

create or replace function muster.tg_certificates__set_verifier() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.verified_at is null then
    new.verified_by := null;
  elsif tg_op = 'UPDATE' and old.verified_at is not null then
    new.verified_at := old.verified_at;
    new.verified_by := old.verified_by;
  elsif muster.user_id() is not null then
    new.verified_at := now();
    new.verified_by := muster.user_id();
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_certificates__set_verifier() is 'Who verified, and when, is not for the client to say.';
--> statement-breakpoint
-- Runs with the rights of whoever writes: a professional that they do not see does not exist.
create or replace function muster.tg_certificates__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.professional_id := coalesce(new.professional_id, muster.professional_id());
  if new.professional_id is null then
    -- The policy refuses whoever may not create one at all; an admin learns from the column that it must be given.
    new.tenant_id := muster.tenant_id();
    return new;
  end if;
  select p.tenant_id into new.tenant_id from public.security_professionals p where p.id = new.professional_id;
  if not found then
    perform muster.fail('not_found', 'professional_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_certificates__set_tenant() is
  'A certificate is in its professional''s tenant, a guard''s own by default; whose it may be the insert policy decides.';
--> statement-breakpoint
create or replace function muster.tg_certificates__check_in_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  perform muster.require_read_committed();
  perform from public.security_professionals p where p.id = old.professional_id for no key update;
  if exists (
    select
    from public.shifts s
    cross join lateral muster.assignment_violations(s.professional_id, s) v
    where s.professional_id = old.professional_id
      and s.status in ('assigned', 'active')
      and s.end_datetime > now()
      and s.deleted_at is null
      and old.kind = any (s.required_certificates)
      and v.code in ('certificate_missing', 'certificate_expired')
      and v.detail = old.kind
  ) then
    perform muster.fail('certificate_in_use', old.kind);
  end if;
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_certificates__check_in_use() is
  'Security definer: the shifts that need the certificate may be of companies that the caller cannot see.';
--> statement-breakpoint
create or replace function muster.tg_security_professionals__check_status() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if muster.acts_for_caller() and muster.admin_tenant_id() is null then
    perform muster.fail('forbidden', 'status');
  end if;
  perform muster.require_read_committed();
  if (new.status <> 'active' or new.deleted_at is not null) and exists (
    select from public.shifts s
    where s.professional_id = new.id
      and s.status in ('assigned', 'active')
      and s.end_datetime > now()
      and s.deleted_at is null
  ) then
    perform muster.fail('professional_in_use');
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_security_professionals__check_status() is
  'Security definer: the shifts may be of companies that the caller cannot see.';
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.certificates
  for each row execute function muster.tg_certificates__set_tenant();
--> statement-breakpoint
create or replace trigger b_set_verifier before insert or update on public.certificates
  for each row execute function muster.tg_certificates__set_verifier();
--> statement-breakpoint
create or replace trigger c_edit_trail before insert or update on public.certificates
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
create or replace trigger check_in_use after update on public.certificates
  for each row when (
    old.verified_at is not null
    and old.deleted_at is null
    and (
      new.verified_at is null
      or new.deleted_at is not null
      or new.valid_until < old.valid_until
      or new.kind <> old.kind
      or new.company_id is distinct from old.company_id
      or new.professional_id <> old.professional_id
    )
  )
  execute function muster.tg_certificates__check_in_use();
--> statement-breakpoint
create or replace trigger check_in_use_on_delete after delete on public.certificates
  for each row when (old.verified_at is not null and old.deleted_at is null)
  execute function muster.tg_certificates__check_in_use();
--> statement-breakpoint
create or replace trigger soft_delete before delete on public.certificates
  for each row execute function muster.tg_soft_delete();
--> statement-breakpoint
create or replace trigger a_check_status before update on public.security_professionals
  for each row when (old.status <> new.status or old.deleted_at is distinct from new.deleted_at)
  execute function muster.tg_security_professionals__check_status();
--> statement-breakpoint
create or replace trigger b_edit_trail before insert or update on public.security_professionals
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
alter function muster.tg_certificates__check_in_use() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_security_professionals__check_status() owner to muster_definer;
--> statement-breakpoint
-- Payments: an assignment, its payment row and the notification of its professional are one thing.
--
-- * Assigning by any path makes the payment row (pending, the planned pay) and the notification.
-- * Releasing or cancelling voids the row; exactly one row of a shift is not void (a unique index holds that).
-- * No transaction commits a shift that is assigned, active or completed without its one live payment row, or a live
--   payment row of a shift that is none of these.
-- * Pay: hours between start and end at the hourly rate, hours worked after the end at the overtime rate; time before
--   the start is not paid. Real durations count, so a night in which the clock changes has 7 or 9 hours.

create or replace function muster.shift_pay(
  hourly_rate numeric,
  overtime_rate numeric,
  start_datetime timestamptz,
  end_datetime timestamptz,
  worked_from timestamptz,
  worked_to timestamptz
) returns numeric
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return round(
  -- Divided last: a rate per second has no end (18.03 / 3600), and half an hour of it would come to a cent too little.
  hourly_rate * (
    greatest(
      extract(epoch from least(worked_to, end_datetime) - greatest(worked_from, start_datetime)), 0
    )
    + overtime_rate * greatest(
      extract(epoch from worked_to - greatest(worked_from, end_datetime)), 0
    )
  ) / 3600,
  2
);
--> statement-breakpoint
comment on function muster.shift_pay(numeric, numeric, timestamptz, timestamptz, timestamptz, timestamptz) is
  'What a shift pays for the time worked, rounded to cents once, at the end.';
--> statement-breakpoint
grant execute on function muster.shift_pay(numeric, numeric, timestamptz, timestamptz, timestamptz, timestamptz)
  to authenticated, service_role, muster_definer;
--> statement-breakpoint
create or replace function muster.notify_professional(shift public.shifts, professional uuid, notification_type text)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select p.tenant_id, p.user_id, notification_type, jsonb_build_object(
    'shift_id', shift.id,
    'title', shift.title,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime,
    'cancel_reason', shift.cancel_reason
  )
  from public.security_professionals p
  where p.id = professional;
end;
--> statement-breakpoint
comment on function muster.notify_professional(public.shifts, uuid, text) is 'A notification for the professional''s user.';
--> statement-breakpoint
grant execute on function muster.notify_professional(public.shifts, uuid, text) to muster_definer;
--> statement-breakpoint
create or replace function muster.tg_shifts__follow_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  was_assigned boolean := tg_op = 'UPDATE' and old.status in ('assigned', 'active');
  is_assigned boolean := new.status in ('assigned', 'active');
begin
  if (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, professional_id, amount)
    values (
      new.tenant_id, new.company_id, new.id, new.professional_id,
      muster.shift_pay(
        new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
      )
    );
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status in ('published', 'cancelled') then
    update public.finqle_transactions t
    set status = 'voided'
    where t.shift_id = new.id and t.status <> 'voided';
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    update public.finqle_transactions t
    set amount = muster.shift_pay(
      new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
    )
    where t.shift_id = new.id and t.status = 'pending';
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_shifts__follow_assignment() is
  'Security definer: nobody may write payments or other people''s notifications by themselves.';
--> statement-breakpoint
-- Deferred to the commit, and therefore reads what is there then, not what the row was when it was queued.
create or replace function muster.tg_check_payment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  checked uuid[];
begin
  if tg_table_name = 'shifts' then
    checked := array[new.id];
  else
    checked := array[old.shift_id, new.shift_id];
  end if;
  if exists (
    select from public.shifts s
    where s.id = any (checked)
      and s.status in ('assigned', 'active', 'completed')
      and not exists (
        select from public.finqle_transactions t
        where t.shift_id = s.id and t.professional_id = s.professional_id and t.status <> 'voided'
      )
  ) then
    perform muster.fail('payment_missing');
  end if;
  if exists (
    select from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    where t.shift_id = any (checked)
      and t.status <> 'voided'
      and s.status not in ('assigned', 'active', 'completed')
  ) then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_check_payment() is
  'A worked shift has its payment, and no other shift has one. Security definer: whether or not the caller sees it.';
--> statement-breakpoint
create or replace trigger follow_assignment_on_insert after insert on public.shifts
  for each row when (new.status in ('assigned', 'active', 'completed'))
  execute function muster.tg_shifts__follow_assignment();
--> statement-breakpoint
create or replace trigger follow_assignment_on_update after update on public.shifts
  for each row when (old.status in ('assigned', 'active') or new.status in ('assigned', 'active'))
  execute function muster.tg_shifts__follow_assignment();
--> statement-breakpoint
drop trigger if exists shifts_assigned_has_payment on public.shifts;
--> statement-breakpoint
create constraint trigger shifts_assigned_has_payment after insert or update on public.shifts
  deferrable initially deferred
  for each row when (new.status in ('assigned', 'active', 'completed'))
  execute function muster.tg_check_payment();
--> statement-breakpoint
drop trigger if exists finqle_transactions_of_assigned_stay on public.finqle_transactions;
--> statement-breakpoint
create constraint trigger finqle_transactions_of_assigned_stay after insert or update or delete on public.finqle_transactions
  deferrable initially deferred
  for each row execute function muster.tg_check_payment();
--> statement-breakpoint
create or replace trigger updated_at before update on public.finqle_transactions
  for each row execute function muster.set_updated_at();
--> statement-breakpoint
create or replace trigger updated_at before update on public.notifications
  for each row execute function muster.set_updated_at();
--> statement-breakpoint
create or replace function muster.tg_notifications__stamp_read() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.read_at is not null then
    new.read_at := coalesce(old.read_at, now());
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_notifications__stamp_read() is
  'When it was read first, by the server''s clock; reading again changes nothing.';
--> statement-breakpoint
create or replace trigger stamp_read before update on public.notifications
  for each row execute function muster.tg_notifications__stamp_read();
--> statement-breakpoint
alter function muster.tg_shifts__follow_assignment() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_check_payment() owner to muster_definer;
--> statement-breakpoint
-- Check-ins: where a guard was, judged by the database, in whatever order phones deliver it.
--
-- * Only the professional of a shift that is assigned, active or completed checks in, with a device time from 2 hours
--   before its start to 12 hours after its end, and not in the future.
-- * d = distance to the site, a = reported accuracy, R = radius: inside if d + a ≤ R, outside if d − a > R, else
--   uncertain. `is_within_radius` is d ≤ R. All computed here, whatever the client sends.
-- * The shift's state follows from the *set* of its check-ins, never from their order of arrival: the first clock_in
--   that is not outside starts it, the first clock_out after that ends it and fixes the pay.
-- * The device makes the id: the same check-in again (shift, kind and device time) is a success that changes nothing, and
--   meets none of these rules a second time.
-- * A check-in locks its shift first, so it is either before or after a release, a cancellation, a new time, and the
--   check-ins of one shift stand in one queue. Whoever records several goes by shift, then id: no deadlock.

create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  early constant interval := interval '2 hours';
  late constant interval := interval '12 hours';
  -- Phones set their clocks by the network; more than this is a wrong clock or a forged time.
  clock_skew constant interval := interval '5 minutes';
  shift public.shifts;
  radius integer;
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  if not found or shift.deleted_at is not null then
    perform muster.fail('not_found', 'shift_id');
  end if;

  -- A caller without a professional must not pass as the null professional of an open shift.
  if muster.acts_for_caller()
    and (muster.professional_id() is null or shift.professional_id is distinct from muster.professional_id()) then
    -- Those who see the shift are told that it is not theirs to check in to; to others it does not exist.
    perform muster.fail(case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end, 'shift_id');
  end if;
  if shift.professional_id is null or shift.status not in ('assigned', 'active', 'completed') then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  if new.recorded_at < shift.start_datetime - early or new.recorded_at > shift.end_datetime + late then
    perform muster.fail('outside_check_in_window', 'recorded_at');
  end if;
  if new.recorded_at > clock_timestamp() + clock_skew then
    perform muster.fail('recorded_in_future', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.professional_id := shift.professional_id;
  new.created_at := now();
  new.updated_at := now();
  select l.radius_meters into radius from public.locations l where l.id = shift.location_id;
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= radius;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= radius then 'inside'
    when new.distance_meters - new.accuracy_meters > radius then 'outside'
    else 'uncertain'
  end;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_gps_checkins__judge() is
  'Fills in what the database computes. Security definer: the radius and the shift are not the client''s to choose.';
--> statement-breakpoint
create or replace function muster.advance_shift(advanced uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
  clocked_in timestamptz;
  clocked_out timestamptz;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  if current_setting('transaction_isolation') <> 'read committed' then
    perform muster.fail('isolation_unsupported');
  end if;
  select * into shift from public.shifts s where s.id = advanced for no key update;

  select min(c.recorded_at) into clocked_in
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_in'
    and c.verdict <> 'outside';
  select min(c.recorded_at) into clocked_out
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_out'
    and c.recorded_at >= clocked_in;

  if shift.status = 'assigned' and clocked_in is not null then
    update public.shifts s set status = 'active' where s.id = shift.id;
    shift.status := 'active';
  end if;
  if shift.status = 'active' and clocked_out is not null then
    update public.shifts s set status = 'completed' where s.id = shift.id;
    shift.status := 'completed';
  end if;
  if shift.status = 'completed' and clocked_out is not null then
    update public.finqle_transactions t
    set amount = muster.shift_pay(
      shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
    )
    where t.shift_id = shift.id and t.status = 'pending';
  end if;
end
$$;
--> statement-breakpoint
comment on function muster.advance_shift(uuid) is
  'Brings a shift''s state and pay in step with its check-ins. Security definer: no role moves a shift to active by hand.';
--> statement-breakpoint
create or replace function muster.tg_gps_checkins__advance_shifts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  clocked uuid;
begin
  -- One order for everybody, so that two batches cannot deadlock.
  for clocked in
    select distinct i.shift_id from inserted i where i.kind <> 'ping' order by i.shift_id
  loop
    perform muster.advance_shift(clocked);
  end loop;
  return null;
end
$$;
--> statement-breakpoint
comment on function muster.tg_gps_checkins__advance_shifts() is 'Security definer: see muster.advance_shift.';
--> statement-breakpoint
create or replace trigger judge before insert on public.gps_checkins
  for each row execute function muster.tg_gps_checkins__judge();
--> statement-breakpoint
create or replace trigger advance_shifts after insert on public.gps_checkins
  referencing new table as inserted
  for each statement execute function muster.tg_gps_checkins__advance_shifts();
--> statement-breakpoint
-- One check-in as a client sees it: the row, with its point as latitude and longitude.
create or replace function muster.checkin_json(checkin public.gps_checkins) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object(
    'id', checkin.id,
    'shift_id', checkin.shift_id,
    'professional_id', checkin.professional_id,
    'kind', checkin.kind,
    'latitude', st_y(checkin.gps_point::geometry),
    'longitude', st_x(checkin.gps_point::geometry),
    'accuracy_meters', checkin.accuracy_meters,
    'distance_meters', checkin.distance_meters,
    'is_within_radius', checkin.is_within_radius,
    'verdict', checkin.verdict,
    'recorded_at', checkin.recorded_at,
    'created_at', checkin.created_at
  )
$$;
--> statement-breakpoint
comment on function muster.checkin_json(public.gps_checkins) is 'A check-in in the form of the API.';
--> statement-breakpoint
-- Runs as the caller: its policies and the triggers above decide about each item. `items` is an array of
-- {id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at}, already of the right types and ranges.
-- Gives one {id, status, checkin} per item, in order; a rejected one has the SQLSTATE, constraint and hint that refused it.
create or replace function muster.record_check_ins(items jsonb) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  item record;
  created bigint[] := '{}';
  refusals jsonb[] := array_fill(null::jsonb, array[jsonb_array_length(items)]);
  state text;
  constraint_ text;
  hint_ text;
begin
  -- All at once while nothing is wrong with any of them; what is known already does not meet the rules again.
  begin
    with fresh as (
      select distinct on (i.id) i.*
      from rows from (jsonb_to_recordset(items) as (
        id uuid, shift_id uuid, kind text, latitude float8, longitude float8, accuracy_meters float8,
        recorded_at timestamptz
      )) with ordinality as i (id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at, nth)
      where not exists (select from public.gps_checkins c where c.id = i.id)
      order by i.id, i.nth
    ), inserted as (
      insert into public.gps_checkins as c (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
      select f.id, f.shift_id, f.kind, st_point(f.longitude, f.latitude)::geography, f.accuracy_meters, f.recorded_at
      from fresh f
      order by f.shift_id, f.id
      on conflict do nothing
      returning c.id
    )
    select coalesce(array_agg(f.nth), '{}') into created from fresh f join inserted i on i.id = f.id;
  exception
    -- A rule refused an item: then one by one, so that a bad item never costs the others.
    when others then
      get stacked diagnostics state = returned_sqlstate;
      if not muster.is_refusal(state) then
        raise;
      end if;
      for item in
        select i.*
        from rows from (jsonb_to_recordset(items) as (
          id uuid, shift_id uuid, kind text, latitude float8, longitude float8, accuracy_meters float8,
          recorded_at timestamptz
        )) with ordinality as i (id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at, nth)
        order by i.shift_id, i.id, i.nth
      loop
        begin
          insert into public.gps_checkins as c (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
          select item.id, item.shift_id, item.kind, st_point(item.longitude, item.latitude)::geography,
                 item.accuracy_meters, item.recorded_at
          where not exists (select from public.gps_checkins c where c.id = item.id)
          on conflict do nothing;
          if found then
            created := created || item.nth;
          end if;
        exception
          when others then
            get stacked diagnostics
              state = returned_sqlstate, constraint_ = constraint_name, hint_ = pg_exception_hint;
            if not muster.is_refusal(state) then
              raise;
            end if;
            refusals[item.nth] := jsonb_build_object(
              'sqlstate', state, 'constraint', nullif(constraint_, ''),
              -- Our own words are safe for the caller; others' may quote rows.
              'hint', case when left(state, 2) = 'MU' then nullif(hint_, '') end
            );
        end;
      end loop;
  end;

  return (
    select coalesce(jsonb_agg(
      case
        when r.refusal is not null then
          jsonb_build_object('id', i.id, 'status', 'rejected') || r.refusal
        when c.shift_id = i.shift_id
          and c.kind = i.kind
          and c.recorded_at = i.recorded_at
          and c.professional_id = muster.professional_id()
        then
          jsonb_build_object(
            'id', i.id,
            'status', case when n.nth is null then 'duplicate' else 'created' end,
            'checkin', muster.checkin_json(c)
          )
        else
          -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
          jsonb_build_object('id', i.id, 'status', 'rejected', 'sqlstate', 'MU016', 'constraint', null, 'hint', 'id')
      end
      order by i.nth
    ), '[]')
    from rows from (jsonb_to_recordset(items) as (
      id uuid, shift_id uuid, kind text, recorded_at timestamptz
    )) with ordinality as i (id, shift_id, kind, recorded_at, nth)
    left join unnest(created) as n (nth) on n.nth = i.nth
    left join unnest(refusals) with ordinality as r (refusal, nth) on r.nth = i.nth
    left join public.gps_checkins c on c.id = i.id
  );
end
$$;
--> statement-breakpoint
comment on function muster.record_check_ins(jsonb) is 'Records check-ins as the caller, one result per item.';
--> statement-breakpoint
-- What says no to an item (rule, constraint, policy, value), as against what stops the work (lock, limit, shutdown).
create or replace function muster.is_refusal(state text) returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return left(state, 2) in ('MU', '22', '23') or state = '42501';
--> statement-breakpoint
comment on function muster.is_refusal(text) is 'Whether a SQLSTATE refuses a row, and trying again would be refused again.';
--> statement-breakpoint
grant execute on function muster.is_refusal(text), muster.checkin_json(public.gps_checkins),
  muster.record_check_ins(jsonb) to authenticated;
--> statement-breakpoint
alter function muster.tg_gps_checkins__judge() owner to muster_definer;
--> statement-breakpoint
alter function muster.advance_shift(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_gps_checkins__advance_shifts() owner to muster_definer;
--> statement-breakpoint
-- Registration: how a token that the database does not know becomes a user.
--
-- * The first tenant and its admin are made by the owner (`npm run tenant`).
-- * Everybody else comes with an invitation: an admin invites any role of the tenant, a company invites colleagues and
--   guards. The code is shown once; the database keeps its SHA-256.
-- * An invitation is used once, before it expires, and, if it names an e-mail address, only by a token with that address.
--   Until then whoever sees it may withdraw it (a policy in access.sql).

create or replace function muster.create_tenant(tenant_name text, admin_name text, admin_email text, admin_user_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid;
begin
  insert into public.tenants (name) values (tenant_name) returning id into tenant;
  insert into public.users (id, tenant_id, role, name, email)
  values (admin_user_id, tenant, 'admin', admin_name, admin_email);
  return tenant;
end
$$;
--> statement-breakpoint
comment on function muster.create_tenant(text, text, text, uuid) is
  'A marketplace with its first admin. For the owner alone. Security definer: forced row level security binds the owner.';
--> statement-breakpoint
create or replace function muster.create_invitation(
  role text, organization uuid default null, email text default null, valid_for interval default interval '14 days'
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- 122 random bits.
  code text := replace(gen_random_uuid()::text, '-', '');
  invited public.invitations;
begin
  -- Colleagues come to the company that invites them; only an admin has to say to which.
  if create_invitation.role = 'company' then
    organization := coalesce(organization, muster.company_id());
  end if;
  -- A null role or organization must not make the refusal null, which would be none.
  if muster.admin_tenant_id() is null and not coalesce(
    muster.company_id() is not null
    and (
      (create_invitation.role = 'company' and organization = muster.company_id())
      or (create_invitation.role = 'zzp' and organization is null)
    ),
    false
  ) then
    perform muster.fail('forbidden', 'role');
  end if;
  if organization is not null and not exists (
    select from public.organizations o
    where o.id = organization and o.tenant_id = muster.tenant_id() and o.deleted_at is null
  ) then
    perform muster.fail('not_found', 'organization_id');
  end if;

  insert into public.invitations
    (tenant_id, organization_id, role, email, code_hash, expires_at, created_by, inviting_organization_id)
  values (
    muster.tenant_id(), organization, create_invitation.role, create_invitation.email,
    encode(sha256(convert_to(code, 'UTF8')), 'hex'), now() + valid_for, muster.user_id(), muster.company_id()
  )
  returning * into invited;
  return jsonb_build_object(
    'id', invited.id, 'organization_id', invited.organization_id, 'role', invited.role, 'email', invited.email,
    'expires_at', invited.expires_at, 'accepted_at', invited.accepted_at, 'accepted_by', invited.accepted_by,
    'created_by', invited.created_by, 'created_at', invited.created_at, 'code', code
  );
end
$$;
--> statement-breakpoint
comment on function muster.create_invitation(text, uuid, text, interval) is
  'Gives the code, once. Security definer: no role may read or write code_hash.';
--> statement-breakpoint
create or replace function muster.accept_invitation(
  code text, name text, email text, latitude float8 default null, longitude float8 default null
) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  invitation public.invitations;
  caller uuid := muster.user_id();
  -- An issuer that knows no address may send an empty one (Supabase Auth does, for who signs in by phone).
  token_email text := nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '');
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  if exists (select from public.users u where u.id = caller) then
    perform muster.fail('already_registered');
  end if;
  select * into invitation
  from public.invitations i
  where i.code_hash = encode(sha256(convert_to(accept_invitation.code, 'UTF8')), 'hex')
  for no key update;
  if not found
    or invitation.accepted_at is not null
    or invitation.expires_at <= now()
    or (invitation.email is not null and lower(invitation.email) is distinct from lower(token_email))
    or exists (
      select from public.organizations o where o.id = invitation.organization_id and o.deleted_at is not null
    ) then
    perform muster.fail('invitation_invalid', 'code');
  end if;

  insert into public.users (id, tenant_id, organization_id, role, name, email)
  values (
    caller, invitation.tenant_id, invitation.organization_id, invitation.role, accept_invitation.name,
    coalesce(token_email, accept_invitation.email)
  );
  if invitation.role = 'zzp' then
    insert into public.security_professionals (tenant_id, user_id, home_point)
    values (
      invitation.tenant_id, caller,
      case when latitude is not null and longitude is not null then st_point(longitude, latitude)::geography end
    );
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$$;
--> statement-breakpoint
comment on function muster.accept_invitation(text, text, text, float8, float8) is
  'Makes the caller a user. Security definer: a stranger may write nothing else.';
--> statement-breakpoint
create or replace function muster.me() returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end,
    'professional', case when p.id is not null then jsonb_build_object(
      'id', p.id, 'status', p.status,
      'latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry)
    ) end
  )
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  left join public.security_professionals p on p.user_id = u.id and p.deleted_at is null
  where u.id = muster.user_id() and u.deleted_at is null
$$;
--> statement-breakpoint
comment on function muster.me() is
  'The caller, with e-mail and home point. Security definer: those columns are granted to nobody.';
--> statement-breakpoint
create or replace function muster.professional_home(professional uuid) returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object('latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry))
  from public.security_professionals p
  where p.id = professional
    and p.home_point is not null
    and p.deleted_at is null
    and (p.id = muster.professional_id() or p.tenant_id = muster.admin_tenant_id())
$$;
--> statement-breakpoint
comment on function muster.professional_home(uuid) is
  'Where a guard lives: for the guard and for admins. Security definer: the column is granted to nobody.';
--> statement-breakpoint
create or replace trigger updated_at before update on public.invitations
  for each row execute function muster.set_updated_at();
--> statement-breakpoint
grant execute on function muster.create_tenant(text, text, text, uuid) to service_role;
--> statement-breakpoint
grant execute on function
  muster.create_invitation(text, uuid, text, interval),
  muster.accept_invitation(text, text, text, float8, float8),
  muster.me(),
  muster.professional_home(uuid)
to authenticated;
--> statement-breakpoint
alter function muster.create_tenant(text, text, text, uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.create_invitation(text, uuid, text, interval) owner to muster_definer;
--> statement-breakpoint
alter function muster.accept_invitation(text, text, text, float8, float8) owner to muster_definer;
--> statement-breakpoint
alter function muster.me() owner to muster_definer;
--> statement-breakpoint
alter function muster.professional_home(uuid) owner to muster_definer;
--> statement-breakpoint
-- Idempotency-Key: a POST that was answered is answered the same way again.
--
-- * The key is claimed and the answer kept in the request's own transaction: either both happened or neither.
-- * A second request with the same key waits for the first to commit (a unique index) and then gets its answer.
-- * A key belongs to one caller; used for another request it is refused.

create or replace function muster.claim_idempotency_key(idempotency_key text, hash text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  known record;
begin
  if muster.user_id() is null then
    perform muster.fail('forbidden');
  end if;
  insert into muster.idempotency_keys (user_id, key, request_hash)
  values (muster.user_id(), idempotency_key, hash)
  on conflict do nothing;
  if found then
    return null;
  end if;
  select k.request_hash, k.response_body into known
  from muster.idempotency_keys k
  where k.user_id = muster.user_id() and k.key = idempotency_key;
  if known.request_hash <> hash then
    perform muster.fail('idempotency_key_reused');
  end if;
  return known.response_body;
end
$$;
--> statement-breakpoint
comment on function muster.claim_idempotency_key(text, text) is
  'Null when the key is new and now claimed, else the answer that was given. Security definer: the table is nobody''s to read.';
--> statement-breakpoint
create or replace function muster.keep_idempotent_response(idempotency_key text, body text) returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = muster.user_id() and k.key = idempotency_key and k.response_body is null;
end;
--> statement-breakpoint
comment on function muster.keep_idempotent_response(text, text) is
  'Keeps the answer for the claimed key. Security definer: as claim_idempotency_key.';
--> statement-breakpoint
create or replace function muster.forget_idempotency_keys(older_than interval) returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with forgotten as (
    delete from muster.idempotency_keys k where k.created_at < now() - older_than returning 1
  )
  select count(*) from forgotten;
end;
--> statement-breakpoint
comment on function muster.forget_idempotency_keys(interval) is 'Background work: old keys go. Security definer: as above.';
--> statement-breakpoint
grant execute on function
  muster.claim_idempotency_key(text, text), muster.keep_idempotent_response(text, text)
to authenticated;
--> statement-breakpoint
grant execute on function muster.forget_idempotency_keys(interval) to service_role;
--> statement-breakpoint
alter function muster.claim_idempotency_key(text, text) owner to muster_definer;
--> statement-breakpoint
alter function muster.keep_idempotent_response(text, text) owner to muster_definer;
--> statement-breakpoint
alter function muster.forget_idempotency_keys(interval) owner to muster_definer;
--> statement-breakpoint
-- Search: what needs the spatial index. Under row level security the planner may not use it (ST_DWithin is not
-- leakproof), so these functions are security definer, say who may see what once more, and are in the access tests.
--
-- * Open shifts are published and not begun: a guard and an admin see their tenant's, a company and a client their own.
-- * Candidates are the guards of the shift's tenant. Distances are from the area in which they live: a company may put
--   locations and shifts wherever it likes, and three exact distances would be an address.
-- * Order and pages follow the distance that is returned, on the spheroid (then the id). The index gives the nearest on
--   the sphere first: once a page is full, all within `search_reach` of its last item must be read before it is sorted.
-- * What most shifts fail is asked of an index, not of each shift on the way: when it begins and what it pays of the spatial
--   one, whether any set of certificates will do of another. The rest is rare enough to be looked at row by row.

create or replace function muster.search_reach(distance_on_sphere float8) returns float8
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
-- Distances on spheroid and sphere differ by less than 0.6 % either way: the radii of curvature of WGS 84 are 6,335 to
-- 6,400 km, and the sphere of PostGIS has 6,371 km. A metre more takes up what is rounded.
return distance_on_sphere * 1.006 * 1.006 + 1;
--> statement-breakpoint
comment on function muster.search_reach(float8) is
  'Whatever is farther than this on the sphere is farther on the spheroid than what is at the given distance.';
--> statement-breakpoint
-- The open shifts of one page, in the form of the API, and where the next page begins (null on the last one).
create or replace function muster.nearby_shifts(
  latitude float8,
  longitude float8,
  within_meters float8,
  max_items integer,
  starts_after timestamptz default null,
  starts_before timestamptz default null,
  min_hourly_rate numeric default null,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null,
  out items json,
  out next_distance float8,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- The planner takes the radius for a handful of rows that cost a fortune each. Left alone it compiles the query (150 ms
-- against 2, among 40,000 open shifts), or reads all shifts of a company, or all within the radius, to sort them.
-- One plan for all values, and only indexes to choose from: the nearest are read, and no more.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- Distances on spheroid and sphere differ by less than 0.6 % either way: see search_reach.
  sphere_slack constant float8 := 1.006;
  -- Read beyond the page at once: so many are most often enough to be sure that nothing nearer comes later.
  spare constant integer := 8;
  here constant geography := st_point(longitude, latitude)::geography;
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  nearest constant float8 := coalesce(after_distance / sphere_slack - 1, 0);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
  professional uuid;
  held text[];
  busy tstzmultirange;
  wanted integer := max_items + 1 + spare;
  found_items bigint;
  read_to float8;
  farthest float8;
begin
  items := '[]';
  select u.role, u.tenant_id, u.organization_id into caller
  from public.users u
  where u.id = muster.user_id() and u.deleted_at is null;
  case caller.role
    when 'zzp', 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    else null;
  end case;

  if eligible_only then
    select e.professional, e.held, e.busy into professional, held, busy from muster.eligibility() e;
    -- Nobody else is eligible for anything: an empty list would say that there is no work.
    if professional is null then
      perform muster.fail('forbidden', 'eligible_only');
    end if;
    if held is null then
      return;
    end if;
  end if;
  if coalesce(tenant, company, client) is null then
    return;
  end if;

  loop
    select
      json_agg(
        json_build_object(
          'id', page.id,
          'company_id', page.company_id,
          'client_id', page.client_id,
          'location_id', page.location_id,
          'professional_id', page.professional_id,
          'status', page.status,
          'start_datetime', page.start_datetime,
          'end_datetime', page.end_datetime,
          'time_zone', page.time_zone,
          'hourly_rate', page.hourly_rate,
          'overtime_rate', page.overtime_rate,
          'required_certificates', page.required_certificates,
          'title', page.title,
          'instructions', page.instructions,
          'cancel_reason', page.cancel_reason,
          'latitude', st_y(page.location_point::geometry),
          'longitude', st_x(page.location_point::geometry),
          'created_at', page.created_at,
          'updated_at', page.updated_at,
          'location_name', l.name,
          'distance_meters', page.distance
        )
        order by page.nth
      ) filter (where page.nth <= max_items),
      max(page.found),
      max(page.read_to),
      max(page.distance),
      max(page.distance) filter (where page.nth = max_items and page.found > max_items),
      (array_agg(page.id) filter (where page.nth = max_items and page.found > max_items))[1]
    into items, found_items, read_to, farthest, next_distance, next_id
    from (
      select
        candidate.*,
        row_number() over (order by candidate.distance, candidate.id) as nth,
        count(*) over () as found,
        max(candidate.distance_on_sphere) over () as read_to
      from (
        select
          s.*,
          s.location_point <-> here as distance_on_sphere,
          st_distance(s.location_point, here) as distance
        from public.shifts s
        where s.status = 'published'
          and s.deleted_at is null
          and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
          and st_dwithin(s.location_point, here, within_meters)
          and s.start_datetime >= earliest
          and s.start_datetime < latest
          and s.hourly_rate::float8 >= least_rate
          and (after_distance is null or s.location_point <-> here >= nearest)
          and (after_distance is null or (st_distance(s.location_point, here), s.id) > (after_distance, after_id))
          and (
            not eligible_only
            or (
              s.required_certificates <@ held
              and not tstzrange(s.start_datetime, s.end_datetime) && busy
              and not exists (select from muster.assignment_violations(professional, s))
            )
          )
        order by s.location_point <-> here
        limit wanted
      ) candidate
      order by nth
      limit max_items + 1
    ) page
    join public.locations l on l.id = page.location_id;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items is null or found_items < wanted or read_to >= farthest * sphere_slack + 1;
    wanted := 2 * wanted;
  end loop;
  items := coalesce(items, '[]');
end
$$;
--> statement-breakpoint
comment on function muster.nearby_shifts(
  float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid
) is 'Open shifts that the caller may see, nearest first. Security definer: see the head of this file.';
--> statement-breakpoint
-- What rules most shifts out for a guard at a glance; what it leaves is looked at closely by assignment_violations.
-- `professional` is null for those who are no guards, `held` for guards who may claim nothing of what there is.
create or replace function muster.eligibility(out professional uuid, out held text[], out busy tstzmultirange)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.users u
  join public.security_professionals p on p.user_id = u.id
  where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null;
  professional := guard.id;
  if guard.status is distinct from 'active' then
    return;
  end if;

  -- A shift ends in the future, and so, give or take the time zones, must the certificate. For which company matters later.
  held := array(
    select c.kind
    from public.certificates c
    where c.professional_id = guard.id
      and c.verified_at is not null
      and c.deleted_at is null
      and c.valid_until >= (now() - interval '2 days')::date
  );
  -- The index gives each set once. It would take long to find in it, shift by shift, that none will do.
  if not exists (
    with recursive sets as (
      (
        select s.required_certificates as kinds
        from public.shifts s
        where s.tenant_id = guard.tenant_id and s.status = 'published' and s.deleted_at is null
        order by s.required_certificates
        limit 1
      )
      union all
      select (
        select s.required_certificates
        from public.shifts s
        where s.tenant_id = guard.tenant_id
          and s.status = 'published'
          and s.deleted_at is null
          and s.required_certificates > sets.kinds
        order by s.required_certificates
        limit 1
      )
      from sets
      where sets.kinds is not null
    )
    select
    from (select sets.kinds, row_number() over () as nth from sets limit most_sets) s
    where s.kinds <@ held or s.nth = most_sets
  ) then
    held := null;
    return;
  end if;

  busy := coalesce(
    (
      select range_agg(tstzrange(s.start_datetime, s.end_datetime))
      from public.shifts s
      where s.professional_id = guard.id and s.status in ('assigned', 'active') and s.deleted_at is null
    ),
    '{}'
  );
end
$$;
--> statement-breakpoint
comment on function muster.eligibility() is
  'What the calling guard has, and when they work. Security definer: it counts shifts of all companies.';
--> statement-breakpoint
-- A shift in the form of the API.
create or replace function muster.shift_json(shift public.shifts) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object(
    'id', shift.id,
    'company_id', shift.company_id,
    'client_id', shift.client_id,
    'location_id', shift.location_id,
    'professional_id', shift.professional_id,
    'status', shift.status,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime,
    'time_zone', shift.time_zone,
    'hourly_rate', shift.hourly_rate,
    'overtime_rate', shift.overtime_rate,
    'required_certificates', shift.required_certificates,
    'title', shift.title,
    'instructions', shift.instructions,
    'cancel_reason', shift.cancel_reason,
    'latitude', st_y(shift.location_point::geometry),
    'longitude', st_x(shift.location_point::geometry),
    'created_at', shift.created_at,
    'updated_at', shift.updated_at
  )
$$;
--> statement-breakpoint
comment on function muster.shift_json(public.shifts) is 'A shift in the form of the API.';
--> statement-breakpoint
create or replace function muster.shift_candidates(
  wanted uuid,
  max_items integer,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null
) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: 3 ms instead of 150, among 20,000 guards.
set jit = off
as $$
declare
  shift public.shifts;
  -- The distance of guards who did not say where they live: they come last.
  unknown constant float8 := 'Infinity';
  by_distance cursor for
    select p.id, muster.home_area(p.home_point) <-> shift.location_point as distance_on_sphere
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
      and exists (select from public.users u where u.id = p.user_id and u.deleted_at is null)
      and (
        after_distance is null
        or (coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown), p.id)
          > (after_distance, after_id)
      )
      and (not eligible_only or not exists (select from muster.assignment_violations(p.id, shift)))
    order by muster.home_area(p.home_point) <-> shift.location_point;
  page uuid[] := '{}';
  reach float8 := 'Infinity';
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;

  for nearest in by_distance loop
    exit when coalesce(nearest.distance_on_sphere, unknown) > reach;
    page := page || nearest.id;
    if cardinality(page) = max_items then
      reach := muster.search_reach(coalesce(nearest.distance_on_sphere, unknown));
    end if;
  end loop;

  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'professional_id', item.id,
      'name', item.name,
      'distance_meters', nullif(item.distance, unknown),
      'eligible', item.violations = '[]',
      'violations', item.violations
    ) order by item.distance, item.id), '[]')
    from (
      select
        p.id,
        u.name,
        coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown) as distance,
        (
          select coalesce(jsonb_agg(jsonb_build_object('code', v.code, 'detail', v.detail)), '[]')
          from muster.assignment_violations(p.id, shift) v
        ) as violations
      from public.security_professionals p
      join public.users u on u.id = p.user_id
      where p.id = any (page)
      order by 3, 1
      limit max_items
    ) item
  );
end
$$;
--> statement-breakpoint
comment on function muster.shift_candidates(uuid, integer, boolean, float8, uuid) is
  'Guards for a shift, nearest home first, with what speaks against each. Security definer: the company of a shift may
   compare guards that it cannot see. It never learns where they live: distances are those of their areas.';
--> statement-breakpoint
-- Claiming: the same update that a guard may do by hand, but with the reason when it cannot be done.
create or replace function muster.claim_shift(wanted uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  if muster.professional_id() is null then
    perform muster.fail('forbidden');
  end if;
  select * into shift
  from public.shifts s
  where s.id = wanted and s.tenant_id = muster.guard_tenant_id() and s.status <> 'draft' and s.deleted_at is null
  for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  end if;
  if shift.status <> 'published' or shift.start_datetime <= now() then
    perform muster.fail('shift_not_open');
  end if;
  update public.shifts s
  set status = 'assigned', professional_id = muster.professional_id()
  where s.id = wanted
  returning s.* into shift;
  return muster.shift_json(shift);
end
$$;
--> statement-breakpoint
comment on function muster.claim_shift(uuid) is
  'The caller takes an open shift. Security definer: that a shift was open, and is gone, may be said to those who came late.';
--> statement-breakpoint
grant execute on function muster.shift_json(public.shifts) to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.search_reach(float8) to muster_definer;
--> statement-breakpoint
grant execute on function
  muster.shift_candidates(uuid, integer, boolean, float8, uuid),
  muster.claim_shift(uuid)
to authenticated;
--> statement-breakpoint
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.nearby_shifts(float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid)
to authenticated, muster_api;
--> statement-breakpoint
alter function muster.nearby_shifts(
  float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid
) owner to muster_definer;
--> statement-breakpoint
alter function muster.eligibility() owner to muster_definer;
--> statement-breakpoint
alter function muster.shift_candidates(uuid, integer, boolean, float8, uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.claim_shift(uuid) owner to muster_definer;
--> statement-breakpoint
-- Access: who sees and does what. Row level security is enabled and forced on every table; nothing is granted that is
-- not written here.
--
-- * `anon` gets nothing.
-- * `authenticated` is everybody with a token; the policies tell company, client, guard and admin apart. One policy per
--   table and command. Every id that a policy compares belongs to one tenant, so tenants never meet.
-- * A deleted user has a valid token for a while: the helpers of foundation.sql know nothing of them, and `auth.uid()`
--   stands beside a `tenant_id`, which they no longer have.
-- * What costs most stands last, and a subquery comes after an `is not null`: `null and exists (…)` runs it for every row.
--   It compares one column, so that the planner can choose between an index and a hash.
-- * Column grants say what may be written at all: what the database computes is granted to nobody. `email` and
--   `home_point` are not granted for reading either (see registration.sql), nor what is between us and the payment provider.
-- * `service_role` (background work) and `muster_definer` (the security definer functions) see all rows through a policy,
--   and have the table privileges listed at the end.

do $$
declare
  relation regclass;
begin
  foreach relation in array array[
    'public.tenants', 'public.organizations', 'public.company_clients', 'public.users', 'public.invitations',
    'public.security_professionals', 'public.certificates', 'public.locations', 'public.shifts',
    'public.gps_checkins', 'public.incidents', 'public.finqle_transactions', 'public.notifications',
    'muster.idempotency_keys'
  ]::regclass[] loop
    execute format('alter table %s enable row level security', relation);
    execute format('alter table %s force row level security', relation);
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('drop policy if exists internal on %s', relation);
    execute format(
      'create policy internal on %s to muster_definer, service_role using (true) with check (true)', relation
    );
    execute format(
      'comment on policy internal on %s is %L', relation,
      'Background work and the security definer functions; their grants say how far they reach.'
    );
  end loop;
end
$$;
--> statement-breakpoint
-- tenants
drop policy if exists tenants_read on public.tenants;
--> statement-breakpoint
create policy tenants_read on public.tenants for select to authenticated
  using (id = (select muster.tenant_id()));
--> statement-breakpoint
comment on policy tenants_read on public.tenants is 'One''s own.';
--> statement-breakpoint
-- organizations
drop policy if exists organizations_read on public.organizations;
--> statement-breakpoint
create policy organizations_read on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.company_id())
      or id = (select muster.client_id())
      or id = any ((select muster.company_client_ids())::uuid[])
      or id = any ((select muster.client_company_ids())::uuid[])
      or tenant_id = (select muster.admin_tenant_id())
      or (
        (select muster.guard_tenant_id()) is not null
        and tenant_id = (select muster.guard_tenant_id())
        and (
          exists (select from public.shifts s where s.company_id = organizations.id)
          or exists (select from public.shifts s where s.client_id = organizations.id)
        )
      )
    )
  );
--> statement-breakpoint
comment on policy organizations_read on public.organizations is
  'Companies and clients see themselves and each other; guards those of the shifts that they see; admins their tenant''s.';
--> statement-breakpoint
drop policy if exists organizations_create on public.organizations;
--> statement-breakpoint
create policy organizations_create on public.organizations for insert to authenticated
  with check (tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy organizations_create on public.organizations is 'Admins.';
--> statement-breakpoint
-- company_clients
drop policy if exists company_clients_read on public.company_clients;
--> statement-breakpoint
create policy company_clients_read on public.company_clients for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy company_clients_read on public.company_clients is 'Either side, and admins.';
--> statement-breakpoint
drop policy if exists company_clients_create on public.company_clients;
--> statement-breakpoint
create policy company_clients_create on public.company_clients for insert to authenticated
  with check (tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy company_clients_create on public.company_clients is 'Admins.';
--> statement-breakpoint
drop policy if exists company_clients_remove on public.company_clients;
--> statement-breakpoint
create policy company_clients_remove on public.company_clients for delete to authenticated
  using (tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy company_clients_remove on public.company_clients is 'Admins.';
--> statement-breakpoint
-- users
drop policy if exists users_read on public.users;
--> statement-breakpoint
create policy users_read on public.users for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select auth.uid())
      or organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (select from public.security_professionals p where p.user_id = users.id)
    )
  );
--> statement-breakpoint
comment on policy users_read on public.users is
  'Oneself, colleagues, the professionals that one sees; admins all of the tenant.';
--> statement-breakpoint
-- invitations
drop policy if exists invitations_read on public.invitations;
--> statement-breakpoint
create policy invitations_read on public.invitations for select to authenticated
  using (
    inviting_organization_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy invitations_read on public.invitations is 'A company its own, an admin the tenant''s.';
--> statement-breakpoint
drop policy if exists invitations_withdraw on public.invitations;
--> statement-breakpoint
create policy invitations_withdraw on public.invitations for delete to authenticated
  using (
    accepted_at is null
    and (inviting_organization_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
comment on policy invitations_withdraw on public.invitations is 'Until it is accepted, whoever sees it.';
--> statement-breakpoint
-- security_professionals
drop policy if exists security_professionals_read on public.security_professionals;
--> statement-breakpoint
create policy security_professionals_read on public.security_professionals for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (
        select from public.shifts s
        where s.professional_id = security_professionals.id
          and (s.company_id = (select muster.company_id()) or s.client_id = (select muster.client_id()))
      )
    )
  );
--> statement-breakpoint
comment on policy security_professionals_read on public.security_professionals is
  'A guard oneself; companies and clients those on their shifts; admins all of the tenant.';
--> statement-breakpoint
drop policy if exists security_professionals_edit on public.security_professionals;
--> statement-breakpoint
create policy security_professionals_edit on public.security_professionals for update to authenticated
  using (
    deleted_at is null
    and (id = (select muster.professional_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (id = (select muster.professional_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy security_professionals_edit on public.security_professionals is
  'A guard their home point (a trigger keeps the status for admins); admins all of the tenant.';
--> statement-breakpoint
-- certificates
drop policy if exists certificates_read on public.certificates;
--> statement-breakpoint
create policy certificates_read on public.certificates for select to authenticated
  using (
    deleted_at is null
    and (
      professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (
        select from public.shifts s
        where s.professional_id = certificates.professional_id
          and s.company_id = (select muster.company_id())
          and s.status in ('assigned', 'active')
      )
    )
  );
--> statement-breakpoint
comment on policy certificates_read on public.certificates is
  'Guards their own; companies those of professionals assigned to their shifts; admins all of the tenant.';
--> statement-breakpoint
drop policy if exists certificates_create on public.certificates;
--> statement-breakpoint
create policy certificates_create on public.certificates for insert to authenticated
  with check (
    (professional_id = (select muster.professional_id()) and verified_at is null)
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy certificates_create on public.certificates is 'Guards their own, unverified; admins any.';
--> statement-breakpoint
drop policy if exists certificates_edit on public.certificates;
--> statement-breakpoint
create policy certificates_edit on public.certificates for update to authenticated
  using (deleted_at is null and tenant_id = (select muster.admin_tenant_id()))
  with check (tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy certificates_edit on public.certificates is 'Admins verify and withdraw.';
--> statement-breakpoint
drop policy if exists certificates_remove on public.certificates;
--> statement-breakpoint
create policy certificates_remove on public.certificates for delete to authenticated
  using (
    deleted_at is null
    and (
      (professional_id = (select muster.professional_id()) and verified_at is null)
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
comment on policy certificates_remove on public.certificates is 'Guards what is not verified yet; admins any.';
--> statement-breakpoint
-- locations
drop policy if exists locations_read on public.locations;
--> statement-breakpoint
create policy locations_read on public.locations for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.company_id())
      or organization_id = any ((select muster.company_client_ids())::uuid[])
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
      or (
        (select muster.guard_tenant_id()) is not null
        and tenant_id = (select muster.guard_tenant_id())
        and exists (select from public.shifts s where s.location_id = locations.id)
      )
    )
  );
--> statement-breakpoint
comment on policy locations_read on public.locations is
  'Companies theirs and their clients''; clients theirs; guards those of the shifts that they see; admins the tenant''s.';
--> statement-breakpoint
drop policy if exists locations_create on public.locations;
--> statement-breakpoint
create policy locations_create on public.locations for insert to authenticated
  with check (
    organization_id = (select muster.company_id())
    or organization_id = any ((select muster.company_client_ids())::uuid[])
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy locations_create on public.locations is
  'Companies for themselves and their clients; clients for themselves; admins for any organization of the tenant.';
--> statement-breakpoint
drop policy if exists locations_edit on public.locations;
--> statement-breakpoint
create policy locations_edit on public.locations for update to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    organization_id = (select muster.company_id())
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy locations_edit on public.locations is 'Its own organization, and admins.';
--> statement-breakpoint
drop policy if exists locations_remove on public.locations;
--> statement-breakpoint
create policy locations_remove on public.locations for delete to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
comment on policy locations_remove on public.locations is 'Its own organization, and admins.';
--> statement-breakpoint
-- shifts
drop policy if exists shifts_read on public.shifts;
--> statement-breakpoint
create policy shifts_read on public.shifts for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or (client_id = (select muster.client_id()) and status <> 'draft')
      or (professional_id = (select muster.professional_id()) and status in ('assigned', 'active', 'completed'))
      or (tenant_id = (select muster.guard_tenant_id()) and status = 'published' and start_datetime > now())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
comment on policy shifts_read on public.shifts is
  'Companies theirs; clients those at their sites, no drafts; guards their own and those that are open; admins all.';
--> statement-breakpoint
drop policy if exists shifts_create on public.shifts;
--> statement-breakpoint
create policy shifts_create on public.shifts for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy shifts_create on public.shifts is 'Companies their own; admins for any company of the tenant.';
--> statement-breakpoint
drop policy if exists shifts_edit on public.shifts;
--> statement-breakpoint
create policy shifts_edit on public.shifts for update to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or (tenant_id = (select muster.guard_tenant_id()) and status = 'published' and start_datetime > now())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    company_id = (select muster.company_id())
    or (professional_id = (select muster.professional_id()) and status = 'assigned')
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy shifts_edit on public.shifts is
  'Companies theirs; guards claim an open one (a trigger holds them to that); admins all.';
--> statement-breakpoint
drop policy if exists shifts_remove on public.shifts;
--> statement-breakpoint
create policy shifts_remove on public.shifts for delete to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
comment on policy shifts_remove on public.shifts is 'Companies theirs; admins all. A trigger makes it a soft delete.';
--> statement-breakpoint
-- gps_checkins
drop policy if exists gps_checkins_read on public.gps_checkins;
--> statement-breakpoint
create policy gps_checkins_read on public.gps_checkins for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy gps_checkins_read on public.gps_checkins is
  'Company and client of the shift; the guard; admins.';
--> statement-breakpoint
drop policy if exists gps_checkins_create on public.gps_checkins;
--> statement-breakpoint
create policy gps_checkins_create on public.gps_checkins for insert to authenticated
  with check (professional_id = (select muster.professional_id()));
--> statement-breakpoint
comment on policy gps_checkins_create on public.gps_checkins is 'The guard of the shift (a trigger says who that is).';
--> statement-breakpoint
-- incidents
drop policy if exists incidents_read on public.incidents;
--> statement-breakpoint
create policy incidents_read on public.incidents for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or client_id = (select muster.client_id())
      or (reported_by = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
comment on policy incidents_read on public.incidents is 'Company and client of the shift; who reported it; admins.';
--> statement-breakpoint
drop policy if exists incidents_create on public.incidents;
--> statement-breakpoint
create policy incidents_create on public.incidents for insert to authenticated
  with check (
    reported_by = (select auth.uid())
    and exists (
      select from public.shifts s
      where s.id = shift_id and s.professional_id = (select muster.professional_id())
    )
  );
--> statement-breakpoint
comment on policy incidents_create on public.incidents is 'A guard, of a shift of their own.';
--> statement-breakpoint
drop policy if exists incidents_edit on public.incidents;
--> statement-breakpoint
create policy incidents_edit on public.incidents for update to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy incidents_edit on public.incidents is 'The company of the shift, and admins; only the status is granted.';
--> statement-breakpoint
-- Runs with the rights of whoever writes: a shift that they do not see does not exist.
create or replace function muster.tg_incidents__copy_shift() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  select s.tenant_id, s.company_id, s.client_id into new.tenant_id, new.company_id, new.client_id
  from public.shifts s
  where s.id = new.shift_id and s.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  new.reported_by := coalesce(muster.user_id(), new.reported_by);
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_incidents__copy_shift() is
  'Whose incident it is follows from the shift; of those that the caller sees, the insert policy decides.';
--> statement-breakpoint
create or replace trigger a_copy_shift before insert on public.incidents
  for each row execute function muster.tg_incidents__copy_shift();
--> statement-breakpoint
create or replace trigger b_edit_trail before insert or update on public.incidents
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
-- As above: an organization that the caller does not see does not exist.
create or replace function muster.tg_set_tenant_from_organization() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.organization_id and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'organization_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_set_tenant_from_organization() is
  'A location is in its organization''s tenant; whose it may be the insert policy decides.';
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.locations
  for each row execute function muster.tg_set_tenant_from_organization();
--> statement-breakpoint
-- finqle_transactions
drop policy if exists finqle_transactions_read on public.finqle_transactions;
--> statement-breakpoint
create policy finqle_transactions_read on public.finqle_transactions for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy finqle_transactions_read on public.finqle_transactions is
  'The company that pays, the guard who is paid, admins. Nobody writes: payments follow assignments.';
--> statement-breakpoint
-- notifications
drop policy if exists notifications_read on public.notifications;
--> statement-breakpoint
create policy notifications_read on public.notifications for select to authenticated
  using (
    (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy notifications_read on public.notifications is 'One''s own; admins all of the tenant.';
--> statement-breakpoint
drop policy if exists notifications_mark on public.notifications;
--> statement-breakpoint
create policy notifications_mark on public.notifications for update to authenticated
  using (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
  with check (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()));
--> statement-breakpoint
comment on policy notifications_mark on public.notifications is 'One''s own: read_at is all that is granted.';
--> statement-breakpoint
-- Grants to callers.
grant select on public.tenants, public.organizations, public.company_clients, public.certificates, public.locations,
  public.shifts, public.gps_checkins, public.incidents, public.notifications
to authenticated;
--> statement-breakpoint
grant select (id, tenant_id, company_id, shift_id, professional_id, amount, status, provider_reference, created_at,
  updated_at)
  on public.finqle_transactions to authenticated;
--> statement-breakpoint
grant select (id, tenant_id, organization_id, role, name, created_at, updated_at, deleted_at)
  on public.users to authenticated;
--> statement-breakpoint
grant select (id, tenant_id, user_id, status, created_at, updated_at, deleted_at)
  on public.security_professionals to authenticated;
--> statement-breakpoint
grant select (id, tenant_id, organization_id, role, email, expires_at, accepted_at, accepted_by, created_by,
  inviting_organization_id, created_at, updated_at)
  on public.invitations to authenticated;
--> statement-breakpoint
grant delete on public.invitations to authenticated;
--> statement-breakpoint
grant insert (id, tenant_id, name, kind, nd_number) on public.organizations to authenticated;
--> statement-breakpoint
grant insert (id, tenant_id, company_id, client_id) on public.company_clients to authenticated;
--> statement-breakpoint
grant delete on public.company_clients to authenticated;
--> statement-breakpoint
grant update (home_point, status) on public.security_professionals to authenticated;
--> statement-breakpoint
grant insert (id, professional_id, company_id, kind, number, valid_until) on public.certificates to authenticated;
--> statement-breakpoint
grant update (verified_at, valid_until) on public.certificates to authenticated;
--> statement-breakpoint
grant delete on public.certificates to authenticated;
--> statement-breakpoint
grant insert (id, organization_id, name, address, location_point, radius_meters, time_zone)
  on public.locations to authenticated;
--> statement-breakpoint
grant update (name, address, location_point, radius_meters, time_zone) on public.locations to authenticated;
--> statement-breakpoint
grant delete on public.locations to authenticated;
--> statement-breakpoint
grant insert (id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, instructions)
  on public.shifts to authenticated;
--> statement-breakpoint
grant update (location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, instructions, cancel_reason)
  on public.shifts to authenticated;
--> statement-breakpoint
grant delete on public.shifts to authenticated;
--> statement-breakpoint
grant insert (id, shift_id, kind, gps_point, accuracy_meters, recorded_at) on public.gps_checkins to authenticated;
--> statement-breakpoint
grant insert (id, shift_id, category, severity, description, incident_point, occurred_at)
  on public.incidents to authenticated;
--> statement-breakpoint
grant update (status) on public.incidents to authenticated;
--> statement-breakpoint
grant update (read_at) on public.notifications to authenticated;
--> statement-breakpoint
-- Grants to background work and to the security definer functions.
grant select, insert, update, delete on
  public.tenants, public.organizations, public.company_clients, public.users, public.invitations,
  public.security_professionals, public.certificates, public.locations, public.shifts, public.gps_checkins,
  public.incidents, public.finqle_transactions, public.notifications
to service_role;
--> statement-breakpoint
grant select on
  public.tenants, public.organizations, public.company_clients, public.users, public.invitations,
  public.security_professionals, public.certificates, public.locations, public.shifts, public.gps_checkins,
  public.finqle_transactions
to muster_definer;
--> statement-breakpoint
grant insert on
  public.tenants, public.users, public.invitations, public.security_professionals, public.finqle_transactions,
  public.notifications
to muster_definer;
--> statement-breakpoint
grant update on
  public.invitations, public.security_professionals, public.certificates, public.locations, public.shifts,
  public.finqle_transactions
to muster_definer;
--> statement-breakpoint
grant select, insert, update, delete on muster.idempotency_keys to muster_definer;
--> statement-breakpoint
-- Functions are born executable by everybody; only what is granted by name stays.
revoke execute on all functions in schema muster from public;
