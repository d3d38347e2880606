CREATE OR REPLACE FUNCTION muster.tg_shifts__copy_location()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795995022_hours_are_what_the_events_say';
