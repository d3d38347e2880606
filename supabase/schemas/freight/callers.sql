-- Callers of freight: the office and the dispatchers of a carrier, its drivers, and the users of brokers.

create or replace function muster.carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role in ('office', 'dispatcher') and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.carrier_id() is 'The carrier for which the caller plans, as its office or a dispatcher; null for others.';

create or replace function muster.office_carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'office' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.office_carrier_id() is 'The carrier that the caller administers; null for others.';

create or replace function muster.driver_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select d.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.drivers d on d.user_id = m.user_id and d.organization_id = m.organization_id
    where m.user_id = caller and m.role = 'driver' and u.deleted_at is null and u.suspended_at is null and d.deleted_at is null
  );
end
$$;
comment on function muster.driver_id() is 'The caller''s own driver; null for others.';

create or replace function muster.broker_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'broker' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.broker_id() is 'The broker that the caller works for; null for others.';

-- ISO 3779 has 17 characters without I, O and Q. 49 CFR 565.15: the weighted values of the characters, modulo 11, are the ninth, and X
-- is ten.
create or replace function muster.is_vin(vin text) returns boolean
language sql
immutable
parallel safe
return vin ~ '^[A-HJ-NPR-Z0-9]{17}$' and substr('0123456789X', 1 + (
  select sum(
    weight * (strpos('0123456789', substr(translate(vin, 'ABCDEFGHJKLMNPRSTUVWXYZ', '12345678123457923456789'), nth::integer, 1)) - 1)
  )::integer
  from unnest(array[8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]) with ordinality as w (weight, nth)
) % 11, 1) = substr(vin, 9, 1);
comment on function muster.is_vin(text) is 'Whether the text is a vehicle identification number with the right check digit (49 CFR 565.15).';

grant execute on function muster.carrier_id(), muster.office_carrier_id(), muster.driver_id(), muster.broker_id()
to anon, authenticated, service_role;
grant execute on function muster.is_vin(text) to anon, authenticated, service_role, muster_definer;

alter function muster.carrier_id() owner to muster_definer;
alter function muster.office_carrier_id() owner to muster_definer;
alter function muster.driver_id() owner to muster_definer;
alter function muster.broker_id() owner to muster_definer;
