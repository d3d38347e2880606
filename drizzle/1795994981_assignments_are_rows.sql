-- muster: breaking
-- Who has which shift becomes a row: `assignments`, one for each payment, since each assignment made one. Check-ins and payments refer to
-- it. Rows are made and filled in here; the down file takes them back. Owners are bound by row level security while it is forced, and
-- triggers would take the filling in for work.
--
-- Writers wait while it runs: it writes each check-in once. Processes of versions before know nothing of assignments.
--
-- What was stored so far counts however late it came: there was no bound then (`delivery_days`).

-- For the names in expressions, which are settled now.
set search_path = public, extensions;
--> statement-breakpoint
create table "assignments" (
	"id" uuid primary key default muster.uuid_v7() not null,
	"tenant_id" uuid not null,
	"company_id" uuid not null,
	"shift_id" uuid not null,
	"professional_id" uuid not null,
	"begun_at" timestamp with time zone default now() not null,
	"ended_at" timestamp with time zone,
	"ended_as" text,
	"start_datetime" timestamp with time zone not null,
	"end_datetime" timestamp with time zone not null,
	"hourly_rate" numeric(10, 2) not null,
	"overtime_rate" numeric(4, 2) not null,
	"radius_meters" integer not null,
	"late_after_minutes" integer not null,
	"auto_close_minutes" integer not null,
	"minimum_minutes" integer not null,
	"give_back_minutes" integer not null,
	"delivery_days" integer not null,
	"moved_at" timestamp with time zone,
	"flags" text[] default '{}' not null,
	"created_at" timestamp with time zone default now() not null,
	"updated_at" timestamp with time zone default now() not null,
	"changed_xid" "xid8" default pg_current_xact_id() not null,
	constraint "assignments_ended_as_known" check ("assignments"."ended_as" in ('released', 'cancelled', 'stopped', 'completed', 'no_show')),
	constraint "assignments_ended_somehow" check (("assignments"."ended_at" is null) = ("assignments"."ended_as" is null)),
	constraint "assignments_flags_known" check ("assignments"."flags" <@ array['auto_closed', 'conflict', 'imprecise', 'late', 'outside', 'overdue'])
);
--> statement-breakpoint
create table "company_terms" (
	"id" uuid primary key default muster.uuid_v7() not null,
	"tenant_id" uuid not null,
	"company_id" uuid default muster.company_id() not null,
	"valid_from" timestamp with time zone default now() not null,
	"late_after_minutes" integer not null,
	"auto_close_minutes" integer not null,
	"minimum_minutes" integer not null,
	"give_back_minutes" integer not null,
	"delivery_days" integer not null,
	"created_at" timestamp with time zone default now() not null,
	"updated_at" timestamp with time zone default now() not null,
	constraint "company_terms_one_per_moment" unique("company_id","valid_from"),
	constraint "company_terms_late_after_range" check ("company_terms"."late_after_minutes" between 0 and 1440),
	constraint "company_terms_auto_close_range" check ("company_terms"."auto_close_minutes" between 0 and 720),
	constraint "company_terms_minimum_range" check ("company_terms"."minimum_minutes" between 0 and 2880),
	constraint "company_terms_give_back_range" check ("company_terms"."give_back_minutes" between 0 and 20160),
	constraint "company_terms_delivery_range" check ("company_terms"."delivery_days" between 1 and 3650)
);
--> statement-breakpoint
alter table public.shifts no force row level security;
--> statement-breakpoint
alter table public.locations no force row level security;
--> statement-breakpoint
alter table public.finqle_transactions no force row level security;
--> statement-breakpoint
alter table public.gps_checkins no force row level security;
--> statement-breakpoint
alter table public.finqle_transactions disable trigger user;
--> statement-breakpoint
alter table public.gps_checkins disable trigger user;
--> statement-breakpoint
alter table "finqle_transactions" add column "assignment_id" uuid;
--> statement-breakpoint
alter table "gps_checkins" add column "assignment_id" uuid;
--> statement-breakpoint
-- A payment lends its id: of another table, so that nothing has it twice.
insert into public.assignments (
  id, tenant_id, company_id, shift_id, professional_id, begun_at, ended_at, ended_as, start_datetime, end_datetime, hourly_rate,
  overtime_rate, radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days,
  created_at, updated_at
)
select
  t.id, t.tenant_id, t.company_id, t.shift_id, t.professional_id, t.created_at,
  case when t.status = 'voided' then t.updated_at when s.status not in ('assigned', 'active') then s.updated_at end,
  case
    when t.status = 'voided' and s.status = 'cancelled' and not exists (
      select from public.finqle_transactions later where later.shift_id = t.shift_id and (later.created_at, later.id) > (t.created_at, t.id)
    ) then 'cancelled'
    when t.status = 'voided' then 'released'
    when s.status not in ('assigned', 'active') then 'completed'
  end,
  s.start_datetime, s.end_datetime, s.hourly_rate, s.overtime_rate, l.radius_meters, 30, 120, 180, 1440, 3650,
  t.created_at, t.updated_at
from public.finqle_transactions t
join public.shifts s on s.id = t.shift_id
join public.locations l on l.id = s.location_id;
--> statement-breakpoint
update public.finqle_transactions set assignment_id = id;
--> statement-breakpoint
-- Check-ins that were brought in without a payment.
insert into public.assignments (
  tenant_id, company_id, shift_id, professional_id, begun_at, ended_at, ended_as, start_datetime, end_datetime, hourly_rate,
  overtime_rate, radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days
)
select
  s.tenant_id, s.company_id, s.id, c.professional_id, c.first, c.last, 'released', s.start_datetime, s.end_datetime, s.hourly_rate,
  s.overtime_rate, l.radius_meters, 30, 120, 180, 1440, 3650
from (
  select i.shift_id, i.professional_id, min(i.created_at) as first, max(i.created_at) as last
  from public.gps_checkins i
  where not exists (
    select from public.assignments a where a.shift_id = i.shift_id and a.professional_id = i.professional_id
  )
  group by 1, 2
) c
join public.shifts s on s.id = c.shift_id
join public.locations l on l.id = s.location_id;
--> statement-breakpoint
create index "assignments_shift_idx" on "assignments" using btree ("shift_id","professional_id","begun_at");
--> statement-breakpoint
update public.gps_checkins c
set assignment_id = (
  select a.id
  from public.assignments a
  where a.shift_id = c.shift_id and a.professional_id = c.professional_id
  order by c.created_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.begun_at desc
  limit 1
);
--> statement-breakpoint
alter table public.finqle_transactions enable trigger user;
--> statement-breakpoint
alter table public.gps_checkins enable trigger user;
--> statement-breakpoint
alter table public.shifts force row level security;
--> statement-breakpoint
alter table public.locations force row level security;
--> statement-breakpoint
alter table public.finqle_transactions force row level security;
--> statement-breakpoint
alter table public.gps_checkins force row level security;
--> statement-breakpoint
-- squawk-ignore adding-not-nullable-field
alter table "finqle_transactions" alter column "assignment_id" set not null;
--> statement-breakpoint
-- squawk-ignore adding-not-nullable-field
alter table "gps_checkins" alter column "assignment_id" set not null;
--> statement-breakpoint
alter table "gps_checkins" drop constraint "gps_checkins_kind_known";
--> statement-breakpoint
alter table "gps_checkins" drop constraint "gps_checkins_accuracy_range";
--> statement-breakpoint
alter table "finqle_transactions" drop constraint "finqle_transactions_professional_fk";
--> statement-breakpoint
alter table "gps_checkins" drop constraint "gps_checkins_professional_fk";
--> statement-breakpoint
-- squawk-ignore require-concurrent-index-deletion
drop index "gps_checkins_professional_idx";
--> statement-breakpoint
-- squawk-ignore require-concurrent-index-deletion
drop index "gps_checkins_clocks_idx";
--> statement-breakpoint
alter table "assignments" add constraint "assignments_shift_fk" foreign key ("shift_id") references "public"."shifts"("id") on delete restrict;
--> statement-breakpoint
alter table "assignments" add constraint "assignments_professional_fk" foreign key ("professional_id","tenant_id") references "public"."security_professionals"("id","tenant_id") on delete restrict;
--> statement-breakpoint
alter table "company_terms" add constraint "company_terms_company_fk" foreign key ("company_id","tenant_id") references "public"."organizations"("id","tenant_id") on delete restrict;
--> statement-breakpoint
create unique index "assignments_one_in_force" on "assignments" using btree ("shift_id") where "assignments"."ended_at" is null;
--> statement-breakpoint
create index "assignments_professional_idx" on "assignments" using btree ("professional_id","start_datetime","id");
--> statement-breakpoint
create index "assignments_company_idx" on "assignments" using btree ("company_id","start_datetime","id");
--> statement-breakpoint
create index "assignments_tenant_idx" on "assignments" using btree ("tenant_id","start_datetime","id");
--> statement-breakpoint
create index "assignments_changed_idx" on "assignments" using btree ("changed_xid","id");
--> statement-breakpoint
create index "company_terms_tenant_idx" on "company_terms" using btree ("tenant_id","valid_from","id");
--> statement-breakpoint
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table "finqle_transactions" add constraint "finqle_transactions_assignment_fk" foreign key ("assignment_id") references "public"."assignments"("id") on delete restrict;
--> statement-breakpoint
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table "gps_checkins" add constraint "gps_checkins_assignment_fk" foreign key ("assignment_id") references "public"."assignments"("id") on delete restrict;
--> statement-breakpoint
-- squawk-ignore require-concurrent-index-creation
create index "gps_checkins_assignment_idx" on "gps_checkins" using btree ("assignment_id");
--> statement-breakpoint
-- squawk-ignore require-concurrent-index-creation
create index "gps_checkins_clocks_idx" on "gps_checkins" using btree ("assignment_id","recorded_at") where "gps_checkins"."kind" <> 'ping';
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid, disallowed-unique-constraint
alter table "finqle_transactions" add constraint "finqle_transactions_one_per_assignment" unique("assignment_id");
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid
alter table "gps_checkins" add constraint "gps_checkins_kind_known" check ("gps_checkins"."kind" in ('clock_in', 'break_start', 'break_end', 'ping', 'clock_out'));
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid
alter table "gps_checkins" add constraint "gps_checkins_accuracy_range" check ("gps_checkins"."accuracy_meters" > 0 and "gps_checkins"."accuracy_meters" < 'infinity' and ("gps_checkins"."accuracy_meters" <= 100 or "gps_checkins"."verdict" <> 'inside'));
--> statement-breakpoint
do $$
begin
  -- One that has every table needs none added, and cannot have any.
  if (select puballtables from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    return;
  end if;
  alter publication supabase_realtime add table public.assignments (
    id, company_id, shift_id, professional_id, begun_at, ended_at, ended_as, start_datetime, end_datetime, hourly_rate,
    overtime_rate, radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes,
    delivery_days, moved_at, flags, created_at, updated_at
  );
  alter publication supabase_realtime drop table public.finqle_transactions;
  alter publication supabase_realtime add table public.finqle_transactions (
    id, company_id, shift_id, assignment_id, professional_id, amount, status, created_at, updated_at
  );
  alter publication supabase_realtime drop table public.gps_checkins;
  alter publication supabase_realtime add table public.gps_checkins (
    id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
    distance_meters, is_within_radius, verdict, recorded_at, created_at, updated_at
  );
end
$$;
--> statement-breakpoint
create or replace function muster.oldest_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795994981_assignments_are_rows';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795994981_assignments_are_rows';
