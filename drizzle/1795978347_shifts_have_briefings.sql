-- What only the guard of a shift is told moves from `shifts.instructions`, which every guard of the tenant could read, into a
-- table of its own; `shifts.description` is the public text. Beside that: a guard reads shifts of theirs that were cancelled,
-- a shift that is over is not opened, nothing new begins at a client for whom the company does not work any more, and a shift
-- that ends at midnight ends with the day before.
--
-- The texts are data: they are moved here, and the down file moves them back. Owners are bound by row level security while it
-- is forced, and would move nothing.

-- For the names in expressions, which are settled now.
set search_path = public, extensions;
--> statement-breakpoint
create table "shift_briefings" (
	"id" uuid primary key default muster.uuid_v7() not null,
	"tenant_id" uuid not null,
	"company_id" uuid not null,
	"client_id" uuid,
	"shift_id" uuid not null,
	"professional_id" uuid,
	"text" text,
	"created_at" timestamp with time zone default now() not null,
	"updated_at" timestamp with time zone default now() not null,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"changed_xid" xid8 default pg_current_xact_id() not null,
	constraint "shift_briefings_shift_key" unique("shift_id"),
	constraint "shift_briefings_text_length" check (char_length("shift_briefings"."text") <= 10000)
);
--> statement-breakpoint
alter table public.shifts no force row level security;
--> statement-breakpoint
insert into public.shift_briefings (
  tenant_id, company_id, client_id, shift_id, professional_id, text, created_at, updated_at, created_by, updated_by, deleted_at
)
select
  s.tenant_id,
  s.company_id,
  case when s.status <> 'draft' then s.client_id end,
  s.id,
  case when s.status <> 'cancelled' then s.professional_id end,
  s.instructions,
  s.created_at,
  s.updated_at,
  s.created_by,
  s.updated_by,
  s.deleted_at
from public.shifts s
where s.instructions is not null;
--> statement-breakpoint
alter table public.shifts force row level security;
--> statement-breakpoint
alter table "shift_briefings" add constraint "shift_briefings_shift_fk" foreign key ("shift_id") references "public"."shifts"("id") on delete restrict;
--> statement-breakpoint
alter table "shift_briefings" add constraint "shift_briefings_professional_fk" foreign key ("professional_id","tenant_id") references "public"."security_professionals"("id","tenant_id") on delete restrict;
--> statement-breakpoint
create index "shift_briefings_professional_idx" on "shift_briefings" using btree ("professional_id");
--> statement-breakpoint
create index "shift_briefings_changed_idx" on "shift_briefings" using btree ("changed_xid","id");
--> statement-breakpoint
alter table "shifts" add column "description" text;
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid
alter table "shifts" add constraint "shifts_description_length" check (char_length("shifts"."description") <= 2000);
--> statement-breakpoint
alter table public.shift_briefings enable row level security;
--> statement-breakpoint
alter table public.shift_briefings force row level security;
--> statement-breakpoint
revoke all on public.shift_briefings from public, anon, authenticated, service_role;
--> statement-breakpoint
create policy internal on public.shift_briefings to muster_definer, service_role using (true) with check (true);
--> statement-breakpoint
comment on policy internal on public.shift_briefings is
  'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
drop function muster.shift_json(public.shifts);
--> statement-breakpoint
do $$
declare
  published constant jsonb := '{
    "shifts": ["id", "company_id", "client_id", "location_id", "professional_id", "status", "start_datetime",
      "end_datetime", "hourly_rate", "overtime_rate", "required_certificates", "title", "description",
      "cancel_reason", "location_point", "time_zone", "created_at", "updated_at"],
    "shift_briefings": ["id", "company_id", "client_id", "shift_id", "professional_id", "text", "created_at",
      "updated_at"],
    "gps_checkins": ["id", "company_id", "client_id", "shift_id", "professional_id", "kind", "gps_point",
      "accuracy_meters", "distance_meters", "is_within_radius", "verdict", "recorded_at", "created_at", "updated_at"],
    "incidents": ["id", "company_id", "client_id", "shift_id", "reported_by", "category", "severity", "description",
      "incident_point", "occurred_at", "status", "created_at", "updated_at"],
    "finqle_transactions": ["id", "company_id", "shift_id", "professional_id", "amount", "status", "created_at",
      "updated_at"],
    "notifications": ["id", "user_id", "type", "data", "read_at", "created_at", "updated_at"]
  }';
  entry record;
  present name[];
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    comment on publication supabase_realtime is 'created by muster';
  end if;
  -- One that has every table needs none added, and cannot have any.
  if (select puballtables from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    return;
  end if;
  for entry in
    select p.key as name, array_agg(c.value order by c.nth) as columns
    from jsonb_each(published) p
    cross join lateral jsonb_array_elements_text(p.value) with ordinality c (value, nth)
    group by p.key
    order by p.key
  loop
    select t.attnames into present
    from pg_catalog.pg_publication_tables t
    where t.pubname = 'supabase_realtime' and t.schemaname = 'public' and t.tablename = entry.name;
    if found and present::text[] @> entry.columns and present::text[] <@ entry.columns then
      continue;
    elsif found then
      execute format('alter publication supabase_realtime drop table public.%I', entry.name);
    end if;
    execute format(
      'alter publication supabase_realtime add table public.%I (%s)',
      entry.name, (select string_agg(quote_ident(c), ', ') from unnest(entry.columns) c)
    );
  end loop;
end
$$;
--> statement-breakpoint
-- squawk-ignore ban-drop-column
alter table "shifts" drop column "instructions";
--> statement-breakpoint
create or replace function muster.fail(code text, subject text default null) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  state text := case code
    when 'shift_overlap' then 'MU001'
    when 'certificate_missing' then 'MU002'
    when 'certificate_expired' then 'MU003'
    when 'professional_inactive' then 'MU004'
    when 'shift_not_open' then 'MU005'
    when 'invalid_transition' then 'MU006'
    when 'outside_check_in_window' then 'MU007'
    when 'recorded_in_future' then 'MU008'
    when 'shift_not_assigned' then 'MU009'
    when 'forbidden' then 'MU010'
    when 'not_found' then 'MU011'
    when 'certificate_in_use' then 'MU012'
    when 'professional_in_use' then 'MU013'
    when 'location_in_use' then 'MU014'
    when 'payment_missing' then 'MU015'
    when 'id_conflict' then 'MU016'
    when 'invitation_invalid' then 'MU017'
    when 'already_registered' then 'MU018'
    when 'idempotency_key_reused' then 'MU019'
    when 'isolation_unsupported' then 'MU020'
    when 'shift_over' then 'MU021'
  end;
begin
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$$;
--> statement-breakpoint
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
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  last_day date := ((shift.end_datetime - interval '1 microsecond') at time zone shift.time_zone)::date;
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
create or replace function muster.sees_shift(shift public.shifts) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select shift.deleted_at is null and coalesce(
    muster.manages_shift(shift)
    or (shift.client_id = muster.client_id() and shift.status <> 'draft')
    or shift.professional_id = muster.professional_id()
    or (
      shift.tenant_id = muster.guard_tenant_id() and shift.status = 'published' and shift.start_datetime > now()
    ),
    false
  )
$$;
--> statement-breakpoint
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
    return muster.shift_json(
      shift, (select b.text from public.shift_briefings b where b.shift_id = shift.id)
    );
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
        hourly_rate numeric, overtime_rate numeric, required_certificates text[], title text, description text,
        instructions text
      )
    ), inserted as (
      insert into public.shifts as s (
        id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
        required_certificates, title, description
      )
      select g.id, coalesce(g.company_id, muster.company_id()), g.location_id, g.status, g.start_datetime,
             g.end_datetime, g.hourly_rate, g.overtime_rate, g.required_certificates, g.title, g.description
      from given g
      order by g.nth
      returning s.id, s as shift
    ), briefed as (
      insert into public.shift_briefings (shift_id, text)
      select g.id, g.instructions
      from inserted i
      join given g on g.id = i.id
      where g.instructions is not null
    )
    select coalesce(jsonb_agg(muster.shift_json(i.shift, g.instructions) order by g.nth), '[]') into created
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
create or replace function muster.works_for(company uuid, client uuid) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return company = client or exists (
    select from public.company_clients c where c.company_id = company and c.client_id = client
  );
end
$$;
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
      -- Whoever writes them, they are what they are at the location. Moving it comes by here too, and is no work of the
      -- company's: it does not matter then whether the company still works there.
      if new.time_zone <> old.time_zone or new.location_point::text <> old.location_point::text then
        select l.location_point, l.time_zone into new.location_point, new.time_zone
        from public.locations l
        where l.id = new.location_id;
      elsif new.deleted_at is null
        and (new.status in ('draft', 'published') or (old.status = 'published' and new.status = 'assigned'))
        and not muster.works_for(new.company_id, new.client_id)
      then
        -- To the company as for a new shift there; to a guard it is open no more.
        perform muster.fail(case new.status when 'assigned' then 'shift_not_open' else 'not_found' end, 'location_id');
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
  if not found or not muster.works_for(new.company_id, site.organization_id) then
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
    if by_caller and new.status = 'published' and new.end_datetime <= now() then
      perform muster.fail('shift_over', 'end_datetime');
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

  -- Nobody could work it. One that is published, and whose end passed meanwhile, may still have its title changed.
  if by_caller and new.status = 'published' and new.end_datetime <= now()
    and (new.status <> old.status or new.end_datetime <> old.end_datetime)
  then
    perform muster.fail('shift_over', 'end_datetime');
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
create or replace function muster.tg_shift_briefings__copy_shift() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  if tg_op = 'INSERT' then
    -- The lock keeps the shift's guard until this is committed: an assignment at this moment would not find the briefing.
    select s.* into shift from public.shifts s where s.id = new.shift_id for share;
  else
    -- Without a lock: whatever changes the shift writes the briefing afterwards, and waits here for this row.
    select s.* into shift from public.shifts s where s.id = new.shift_id;
  end if;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  if shift.status in ('completed', 'cancelled')
    and (tg_op = 'INSERT' or new.text is distinct from old.text)
    and muster.acts_for_caller()
  then
    perform muster.fail('invalid_transition', 'instructions');
  end if;
  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := case when shift.status <> 'draft' then shift.client_id end;
  new.professional_id := case when shift.status <> 'cancelled' then shift.professional_id end;
  new.deleted_at := shift.deleted_at;
  -- Stored anew: a long text that an update leaves alone is not in the log, and so not in the event by which a guard is
  -- told of the row for the first time.
  new.text := new.text || '';
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_shifts__follow_briefing() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The trigger of that table copies what changed.
  update public.shift_briefings b set shift_id = b.shift_id where b.shift_id = new.id;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.brief_shift(shift public.shifts, briefing text) returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not muster.manages_shift(shift) then
    perform muster.fail('forbidden', 'instructions');
  end if;
  if briefing is null then
    update public.shift_briefings b set text = null where b.shift_id = shift.id and b.text is not null;
  else
    insert into public.shift_briefings as b (shift_id, text)
    values (shift.id, briefing)
    on conflict (shift_id) do update set text = excluded.text where b.text is distinct from excluded.text;
  end if;
  return briefing;
end
$$;
--> statement-breakpoint
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
  -- Read beyond the page at once: so many are most often enough to be sure that nothing nearer comes later. The farther
  -- out, the more are about as far as the last one; and it is dear to begin again, for all that are nearer are passed again.
  spare constant integer := case when after_distance is null then 8 else 16 end;
  here constant geography := st_point(longitude, latitude)::geography;
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  -- On the sphere; a metre takes up what is rounded.
  nearest constant float8 := coalesce(after_distance / muster.metre_at_most(latitude, within_meters) - 1, 0);
  metre_at_least constant float8 := muster.metre_at_least(latitude, within_meters);
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
    with candidate as materialized (
      select
        s.*,
        s.location_point <-> here as distance_on_sphere,
        exact.distance
      from public.shifts s
      -- Four times as dear as on the sphere: computed once, of the shifts that pass the rest (`offset 0` keeps it apart).
      cross join lateral (select st_distance(s.location_point, here) as distance offset 0) exact
      where s.status = 'published'
        and s.deleted_at is null
        and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
        and st_dwithin(s.location_point, here, within_meters)
        and s.start_datetime >= earliest
        and s.start_datetime < latest
        and s.hourly_rate::float8 >= least_rate
        and (after_distance is null or s.location_point <-> here >= nearest)
        and (after_distance is null or (exact.distance, s.id) > (after_distance, after_id))
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
    ), page as (
      select c.* from candidate c order by c.distance, c.id limit max_items
    )
    select
      json_agg(item order by page.distance, page.id),
      max(page.distance),
      (array_agg(page.id order by page.distance, page.id))[max_items],
      (select count(*) from candidate),
      (select max(c.distance_on_sphere) from candidate c)
    into items, next_distance, next_id, found_items, read_to
    from page
    join public.locations l on l.id = page.location_id
    -- As a row: its columns are looked up once, where json_build_object does it for each value of each row.
    cross join lateral (
      select
        page.id,
        page.company_id,
        page.client_id,
        page.location_id,
        page.professional_id,
        page.status,
        page.start_datetime,
        page.end_datetime,
        page.time_zone,
        page.hourly_rate,
        page.overtime_rate,
        page.required_certificates,
        page.title,
        page.description,
        -- No guard has an open shift; whoever else finds it here may read its briefing.
        case when caller.role <> 'zzp' then (
          select b.text from public.shift_briefings b where b.shift_id = page.id
        ) end as instructions,
        page.cancel_reason,
        st_y(page.location_point::geometry) as latitude,
        st_x(page.location_point::geometry) as longitude,
        page.created_at,
        page.updated_at,
        l.name as location_name,
        page.distance as distance_meters
    ) item;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items < wanted or read_to >= next_distance / metre_at_least + 1;
    wanted := 2 * wanted;
  end loop;
  items := coalesce(items, '[]');
  if found_items <= max_items then
    next_distance := null;
    next_id := null;
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.shift_json(shift public.shifts, instructions text) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
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
  'description', shift.description,
  'instructions', instructions,
  'cancel_reason', shift.cancel_reason,
  'latitude', st_y(shift.location_point::geometry),
  'longitude', st_x(shift.location_point::geometry),
  'created_at', shift.created_at,
  'updated_at', shift.updated_at
);
--> statement-breakpoint
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
  return muster.shift_json(
    shift, (select b.text from public.shift_briefings b where b.shift_id = shift.id)
  );
end
$$;
--> statement-breakpoint
create or replace function muster.audience(relation text, viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return case when viewed ->> 'deleted_at' is null then array_remove(array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'user:' || coalesce(viewed ->> 'user_id', viewed ->> 'reported_by'),
  case when relation <> 'shifts' or viewed ->> 'status' <> 'draft' then
    'client:' || (viewed ->> 'client_id')
  end,
  'professional:' || (viewed ->> 'professional_id'),
  case when relation = 'shifts'
    and viewed ->> 'status' = 'published'
    and (at is null or (viewed ->> 'start_datetime')::timestamptz > at)
  then
    'guards:' || (viewed ->> 'tenant_id')
  end
], null) else '{}' end;
--> statement-breakpoint
revoke execute on function
  muster.works_for(uuid, uuid),
  muster.tg_shift_briefings__copy_shift(),
  muster.tg_shifts__follow_briefing(),
  muster.brief_shift(public.shifts, text),
  muster.shift_json(public.shifts, text)
from public;
--> statement-breakpoint
comment on function muster.works_for(uuid, uuid) is
  'Whether a company works at the locations of an organization: its own, or a client''s as long as the contract lasts.';
--> statement-breakpoint
comment on function muster.tg_shift_briefings__copy_shift() is
  'Who may read a briefing follows from its shift; the briefing of a shift that is over does not change.';
--> statement-breakpoint
comment on function muster.tg_shifts__follow_briefing() is
  'Who may read the briefing changes with the shift. Security definer: a guard who claims may not write it.';
--> statement-breakpoint
comment on function muster.brief_shift(public.shifts, text) is
  'Sets, changes or (null) withdraws what the guard of a shift is told; gives the same text.';
--> statement-breakpoint
create or replace trigger a_copy_shift before insert or update on public.shift_briefings
  for each row execute function muster.tg_shift_briefings__copy_shift();
--> statement-breakpoint
create or replace trigger b_edit_trail before insert or update on public.shift_briefings
  for each row execute function muster.set_edit_trail();
--> statement-breakpoint
create or replace trigger follow_briefing after update on public.shifts
  for each row when (
    (old.client_id, old.professional_id, old.deleted_at, old.status = 'draft', old.status = 'cancelled')
    is distinct from
    (new.client_id, new.professional_id, new.deleted_at, new.status = 'draft', new.status = 'cancelled')
  )
  execute function muster.tg_shifts__follow_briefing();
--> statement-breakpoint
grant execute on function muster.create_shifts(jsonb), muster.brief_shift(public.shifts, text) to authenticated;
--> statement-breakpoint
grant execute on function muster.works_for(uuid, uuid) to muster_definer;
--> statement-breakpoint
alter function muster.tg_shifts__follow_briefing() owner to muster_definer;
--> statement-breakpoint
comment on function muster.shift_json(public.shifts, text) is 'A shift in the form of the API.';
--> statement-breakpoint
grant execute on function muster.shift_json(public.shifts, text) to authenticated, muster_definer;
--> statement-breakpoint
drop policy if exists shifts_read on public.shifts;
--> statement-breakpoint
create policy shifts_read on public.shifts for select to authenticated
  using (
    deleted_at is null
    and (
      (status = 'published' and start_datetime > now() and tenant_id = (select muster.guard_tenant_id()))
      or company_id = (select muster.company_id())
      or (status <> 'draft' and client_id = (select muster.client_id()))
      or professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
comment on policy shifts_read on public.shifts is
  'Companies theirs; clients those at their sites, no drafts; guards those that are open and their own, also cancelled ones; admins all.';
--> statement-breakpoint
create policy shift_briefings_read on public.shift_briefings for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or client_id = (select muster.client_id())
      or professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
comment on policy shift_briefings_read on public.shift_briefings is
  'Company and client of the shift (no drafts), its guard, admins. A trigger keeps the columns as the shift has them.';
--> statement-breakpoint
create policy shift_briefings_create on public.shift_briefings for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
comment on policy shift_briefings_create on public.shift_briefings is 'Those who manage the shift.';
--> statement-breakpoint
create policy shift_briefings_edit on public.shift_briefings for update to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
comment on policy shift_briefings_edit on public.shift_briefings is 'Those who manage the shift; only the text is granted.';
--> statement-breakpoint
drop policy if exists incidents_create on public.incidents;
--> statement-breakpoint
create policy incidents_create on public.incidents for insert to authenticated
  with check (
    reported_by = (select auth.uid())
    and exists (
      select from public.shifts s
      where s.id = shift_id and s.professional_id = (select muster.professional_id()) and s.status <> 'cancelled'
    )
  );
--> statement-breakpoint
comment on policy incidents_create on public.incidents is 'A guard, of a shift of their own that was not cancelled.';
--> statement-breakpoint
grant select on public.tenants, public.organizations, public.company_clients, public.certificates, public.locations,
  public.shifts, public.shift_briefings, public.gps_checkins, public.incidents, public.notifications
to authenticated;
--> statement-breakpoint
grant insert (id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, description)
  on public.shifts to authenticated;
--> statement-breakpoint
grant update (location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, description, cancel_reason)
  on public.shifts to authenticated;
--> statement-breakpoint
grant insert (id, shift_id, text) on public.shift_briefings to authenticated;
--> statement-breakpoint
grant update (text) on public.shift_briefings to authenticated;
--> statement-breakpoint
grant select, insert, update, delete on
  public.tenants, public.organizations, public.company_clients, public.users, public.invitations,
  public.security_professionals, public.certificates, public.locations, public.shifts, public.shift_briefings,
  public.gps_checkins, public.incidents, public.finqle_transactions, public.notifications
to service_role;
--> statement-breakpoint
grant select on
  public.tenants, public.organizations, public.company_clients, public.users, public.invitations,
  public.security_professionals, public.certificates, public.locations, public.shifts, public.shift_briefings,
  public.gps_checkins, public.finqle_transactions
to muster_definer;
--> statement-breakpoint
grant update on
  public.invitations, public.security_professionals, public.certificates, public.locations, public.shifts,
  public.shift_briefings, public.finqle_transactions
to muster_definer;
--> statement-breakpoint
create or replace trigger z_stamp_change before insert or update on public.shift_briefings
  for each row execute function muster.tg_stamp_change();
--> statement-breakpoint
create or replace trigger note_departure_on_delete after delete on public.shift_briefings
  for each row execute function muster.tg_note_departure();
--> statement-breakpoint
create or replace trigger note_departure_on_update after update on public.shift_briefings
  for each row when (
    (old.tenant_id, old.company_id, old.client_id, old.professional_id, old.deleted_at)
    is distinct from (new.tenant_id, new.company_id, new.client_id, new.professional_id, new.deleted_at)
  )
  execute function muster.tg_note_departure();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795978347_shifts_have_briefings';
