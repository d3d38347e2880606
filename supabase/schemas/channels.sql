-- Channels: the gateway is told when rights on a private channel may have ended.
--
-- * The policies on realtime.messages (realtime.sql) decide who listens and sends on `shift:<id>`. The gateway remembers the
--   answer for a while; when a shift stops being active, it is told to ask again at once.

create or replace function muster.tg_shifts__close_channel() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('muster_channel_rights', 'shift:' || old.id);
  return null;
end
$$;
comment on function muster.tg_shifts__close_channel() is 'Tells the realtime gateways that the rights on a shift''s channel have changed.';
revoke execute on function muster.tg_shifts__close_channel() from public;

create or replace trigger close_channel after update on public.shifts
  for each row when (old.status = 'active' and (new.status <> 'active' or new.deleted_at is not null))
  execute function muster.tg_shifts__close_channel();
