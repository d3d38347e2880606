-- What freight adds to people: the roles of a carrier and of a broker, and whom and what their users see.
--
-- * The office administers a carrier, dispatchers plan its loads, drivers drive them; users of a broker follow the loads that it gave.
-- * A user plans for one carrier at most, and an admin, who sees all of the tenant, for none: lists look for the rows of one.
-- * The office invites the people of its carrier, and withdraws what it invited.

create or replace function muster.roles_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('office', 'carrier', 'dispatcher', 'carrier', 'driver', 'carrier', 'broker', 'broker');
comment on function muster.roles_of_freight() is 'The roles of freight, with the kinds of their organizations.';

create unique index if not exists memberships_one_desk_of_freight on public.memberships (user_id)
  where role in ('admin', 'office', 'dispatcher');

create or replace function muster.invites_of_freight(role text, organization uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
return coalesce(role in ('office', 'dispatcher', 'driver') and organization = muster.office_carrier_id(), false);
comment on function muster.invites_of_freight(text, uuid) is 'The office invites the people of its carrier. For muster.create_invitation.';

create or replace function muster.groups_of_freight(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array_agg(g.name)
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.drivers d
    on m.role = 'driver' and d.user_id = m.user_id and d.organization_id = m.organization_id and d.deleted_at is null
  cross join lateral (
    select case
      when m.role in ('office', 'dispatcher') then 'carrier:' || m.organization_id
      when m.role = 'broker' then 'broker:' || m.organization_id
      when m.role = 'driver' then 'driver:' || d.id
    end as name
    union all
    select 'office:' || m.organization_id where m.role = 'office'
  ) g
  where m.user_id = any (callers) and m.role in ('office', 'dispatcher', 'broker', 'driver') and u.deleted_at is null and u.suspended_at is null
  group by m.user_id;
end;
comment on function muster.groups_of_freight(uuid[]) is 'To which groups the people of carriers and brokers belong.';

create or replace function muster.notification_types_of_freight() returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['load_assigned', 'load_unassigned', 'load_changed', 'load_cancelled', 'load_driver_suspended', 'driver_document_expiring'];
end
$$;
comment on function muster.notification_types_of_freight() is 'What freight tells users of.';

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists organizations_read_of_freight on public.organizations;
create policy organizations_read_of_freight on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.carrier_id())
      or id = (select muster.broker_id())
      or exists (
        select from public.memberships m
        where m.user_id = (select auth.uid()) and m.role = 'driver' and m.organization_id = organizations.id
        offset 0
      )
    )
  );
comment on policy organizations_read_of_freight on public.organizations is 'The people of a carrier and of a broker their own.';
drop policy if exists users_read_of_freight on public.users;
create policy users_read_of_freight on public.users for select to authenticated
  using (
    deleted_at is null
    and (select muster.carrier_id()) is not null
    and exists (
      select from public.memberships m
      where m.user_id = users.id and m.organization_id = (select muster.carrier_id())
      offset 0
    )
  );
comment on policy users_read_of_freight on public.users is 'Office and dispatchers the people of their carrier.';
drop policy if exists memberships_read_of_freight on public.memberships;
create policy memberships_read_of_freight on public.memberships for select to authenticated
  using (organization_id = (select muster.carrier_id()));
comment on policy memberships_read_of_freight on public.memberships is 'Office and dispatchers those of their carrier.';
drop policy if exists invitations_read_of_freight on public.invitations;
create policy invitations_read_of_freight on public.invitations for select to authenticated
  using (inviting_organization_id = (select muster.office_carrier_id()));
comment on policy invitations_read_of_freight on public.invitations is 'The office its own.';
drop policy if exists invitations_withdraw_of_freight on public.invitations;
create policy invitations_withdraw_of_freight on public.invitations for delete to authenticated
  using (accepted_at is null and inviting_organization_id = (select muster.office_carrier_id()));
comment on policy invitations_withdraw_of_freight on public.invitations is 'Until it is accepted, the office its own.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function muster.invites_of_freight(text, uuid), muster.groups_of_freight(uuid[]) to muster_definer;
grant execute on function muster.notification_types_of_freight() to service_role, muster_definer;
grant execute on function muster.roles_of_freight() to authenticated, service_role, muster_definer;
