-- Notifications: what users are told.
--
-- * Users read their own, and mark them as read; admins read all of their tenant. What makes one is the rule that it tells of.
-- * `read_at` is when it was read first, by the server's clock.

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

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

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
