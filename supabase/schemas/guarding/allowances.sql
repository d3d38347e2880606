-- Allowances: what a company pays beside the rate for time in the evening, at night, on days of rest, and at short notice.
--
-- * Versions: of a company's rows of a kind, the one with the newest `valid_from` that has come is valid; 0 percent ends an allowance.
--   A version is never changed or removed, since hours were worked under it.
-- * For an assignment: of the versions that were there when the shift was assigned, the one valid at the planned start. So nobody
--   takes an allowance away from somebody who has the shift.
-- * An allowance is a percentage of the hourly rate or an amount per hour, for each second worked in its hours. Allowances add, and
--   never multiply; of those with the combination `highest` only the one that pays most counts for a second.
-- * Hours are local to the site. Where the clock shows a time twice it is the second one, and a time that it skips is an hour later.
-- * Public holidays are those of the country of the site's time zone, from muster.public_holidays, which migrations fill
--   (src/guarding/allowances/public-holidays.md).
-- * The company and admins read and add versions. A guard reads what an allowance paid on the timesheet.

select muster.follow_table('public.allowances', trail => 'none');
select muster.follow_table('muster.public_holidays', trail => 'none');

create or replace function muster.calendar_of(time_zone text) returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
  when time_zone = 'Europe/Amsterdam' then 'NL'
  when time_zone = 'Europe/Brussels' then 'BE'
  when time_zone in ('Europe/Berlin', 'Europe/Busingen') then 'DE'
end;
comment on function muster.calendar_of(text) is 'Whose public holidays a site has, by its time zone; null where the database knows none.';

create or replace function muster.allowances_of(assignment public.assignments) returns setof public.allowances
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    with valid as (
      select distinct on (a.kind) a.*
      from public.allowances a
      where a.company_id = assignment.company_id
        and a.valid_from <= assignment.start_datetime
        and a.created_at <= assignment.begun_at
      order by a.kind, a.valid_from desc
    )
    select v.*
    from valid v
    where coalesce(v.percent, v.amount_per_hour) > 0
      and (
        v.kind <> 'short_notice'
        or assignment.start_datetime - assignment.begun_at < make_interval(hours => v.notice_hours)
      );
end
$$;
comment on function muster.allowances_of(public.assignments) is 'The allowances that an assignment has.';

create or replace function muster.allowance_hours(
  allowance public.allowances, time_zone text, spans tstzmultirange
) returns tstzmultirange
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  site_calendar constant text := muster.calendar_of(time_zone);
begin
  if allowance.kind = 'short_notice' then
    return spans;
  end if;
  return (
    select coalesce(range_agg(tstzrange(w.begins_at, w.ends_at)), '{}')
    -- The window of the day before may reach into the first.
    from generate_series(
      date_trunc('day', lower(spans) at time zone time_zone) - interval '1 day',
      upper(spans) at time zone time_zone,
      interval '1 day'
    ) as d (day)
    cross join lateral (
      select
        (d.day + coalesce(allowance.window_from::interval, interval '0')) at time zone time_zone as begins_at,
        (d.day + case
          when allowance.window_to > allowance.window_from then allowance.window_to::interval
          else interval '1 day' + coalesce(allowance.window_to::interval, interval '0')
        end) at time zone time_zone as ends_at
    ) as w
    where w.begins_at < w.ends_at
      and case allowance.kind
        when 'saturday' then extract(isodow from d.day) = 6
        when 'sunday' then extract(isodow from d.day) = 7
        when 'public_holiday' then exists (
          select from muster.public_holidays h where h.calendar = site_calendar and h.day = d.day::date
        )
        else true
      end
  );
end
$$;
comment on function muster.allowance_hours(public.allowances, text, tstzmultirange) is
  'When an allowance is paid, around those spans, by the clock of the site.';

create or replace function muster.allowance_name(allowance public.allowances) returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case allowance.kind
  when 'evening' then 'Evening'
  when 'night' then 'Night'
  when 'saturday' then 'Saturday'
  when 'sunday' then 'Sunday'
  when 'public_holiday' then 'Public holiday'
  when 'short_notice' then 'Short notice'
end
|| coalesce(' ' || left(allowance.window_from::text, 5) || '–' || left(allowance.window_to::text, 5), '');
comment on function muster.allowance_name(public.allowances) is 'What people call an allowance.';

-- Runs with the rights of whoever writes: an organization that they do not see does not exist.
create or replace function muster.tg_allowances__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.company_id and o.kind = 'company' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'company_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_allowances__set_tenant() is
  'Allowances are in the tenant of their company; whose they may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.allowances
  for each row execute function muster.tg_allowances__set_tenant();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists allowances_read on public.allowances;
create policy allowances_read on public.allowances for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy allowances_read on public.allowances is 'The company, and admins.';
drop policy if exists allowances_create on public.allowances;
create policy allowances_create on public.allowances for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy allowances_create on public.allowances is 'The company, and admins. No version is changed or removed.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.allowances to authenticated;
grant insert (id, company_id, kind, valid_from, percent, amount_per_hour, combination, window_from, window_to, notice_hours)
  on public.allowances to authenticated;
grant select, insert, update, delete on public.allowances to service_role;
grant select on public.allowances to muster_definer;
grant select on muster.public_holidays to muster_definer;

grant execute on function
  muster.calendar_of(text),
  muster.allowances_of(public.assignments),
  muster.allowance_hours(public.allowances, text, tstzmultirange),
  muster.allowance_name(public.allowances)
to muster_definer;
