-- Notifications: what users are told.
--
-- * Users read their own, and mark them as read; admins read all of their tenant. What makes one is the rule that it tells of.
-- * `read_at` is when it was read first, by the server's clock.
-- * Its type is one that a module has: muster.notification_types_of_<module>(), the same list as in its module.ts.

create or replace function muster.audience_of_notifications(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'user:' || (viewed ->> 'user_id')
  ];
end
$$;
comment on function muster.audience_of_notifications(jsonb, timestamptz) is 'Who sees a notification: notifications_read, as groups.';
grant execute on function muster.audience_of_notifications(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.notifications',
  published => array['id', 'user_id', 'type', 'data', 'read_at', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'user_id']
);

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
comment on function muster.tg_notifications__stamp_read() is
  'When it was read first, by the server''s clock; reading again changes nothing.';

create or replace function muster.tg_notifications__check_type() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  types text;
  is_known boolean;
begin
  for types in select muster.functions_of('notification_types') loop
    execute format('select $1 = any (muster.%I())', types) into is_known using new.type;
    if is_known then
      return new;
    end if;
  end loop;
  -- As the check constraint that it stands for: no constraint can ask the modules.
  raise exception using
    errcode = 'check_violation', schema = 'public', table = 'notifications', column = 'type',
    constraint = 'notifications_type_known', message = 'no module has notifications of this type';
end
$$;
comment on function muster.tg_notifications__check_type() is 'A type that no module has is refused.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger check_type before insert or update of type on public.notifications
  for each row execute function muster.tg_notifications__check_type();
create or replace trigger stamp_read before update on public.notifications
  for each row execute function muster.tg_notifications__stamp_read();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists notifications_read on public.notifications;
create policy notifications_read on public.notifications for select to authenticated
  using (
    (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy notifications_read on public.notifications is 'One''s own; admins all of the tenant.';
drop policy if exists notifications_mark on public.notifications;
create policy notifications_mark on public.notifications for update to authenticated
  using (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
  with check (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()));
comment on policy notifications_mark on public.notifications is 'One''s own: read_at is all that is granted.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.notifications to authenticated;
grant update (read_at) on public.notifications to authenticated;
grant select, insert, update, delete on public.notifications to service_role;
grant select, insert on public.notifications to muster_definer;
