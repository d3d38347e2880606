-- Channels: what the policies of private channels stand on.
--
-- * Policies on realtime.messages say who may listen to a channel (select) and send to it (insert). Each module writes those of
--   its channels. The gateway remembers the answer for a while.

-- Supabase's own schema `realtime` is left alone; elsewhere the table and the function that its policies use are provided.
do $$
begin
  if to_regnamespace('realtime') is null then
    create schema realtime;
    comment on schema realtime is 'created by muster';
    grant usage on schema realtime to anon, authenticated, service_role, muster_api;
  end if;
  if to_regclass('realtime.messages') is null then
    create table realtime.messages (
      topic text not null,
      extension text not null,
      payload jsonb,
      event text,
      private boolean default false,
      updated_at timestamp not null default now(),
      inserted_at timestamp not null default now(),
      id uuid not null default gen_random_uuid(),
      constraint messages_pkey primary key (id, inserted_at)
    );
    comment on table realtime.messages is
      'Never holds a row: its policies say who may listen to a private channel (select) and send to it (insert).';
    alter table realtime.messages enable row level security;
    alter table realtime.messages force row level security;
    grant select, insert on realtime.messages to authenticated;
    -- The gateway tries the policies on rows of its own, which it rolls back.
    grant insert on realtime.messages to muster_api;
    create policy gateway_probes on realtime.messages for insert to muster_api with check (true);
    comment on policy gateway_probes on realtime.messages is 'Rows on which the gateway tries the other policies.';
  end if;
  if to_regprocedure('realtime.topic()') is null then
    execute $create$
      create function realtime.topic() returns text
      language sql
      stable
      set search_path = pg_catalog, pg_temp
      return nullif(current_setting('realtime.topic', true), '')
    $create$;
    comment on function realtime.topic() is 'The channel that the caller joins or sends to; null outside of one.';
  end if;
end
$$;
