-- `delete` by a caller is a soft delete, whichever path it comes by. Policies say who may; a trigger that runs before may say when.
create or replace function muster.tg_soft_delete() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if not muster.acts_for_caller() then
    return old;
  end if;
  execute format('update %I.%I set deleted_at = now() where id = $1', tg_table_schema, tg_table_name) using old.id;
  return null;
end
$$;
--> statement-breakpoint
-- `trail` is the name of the trigger that keeps who wrote the row last and when, for a table whose other triggers must come before:
-- they run in the order of their names. `none` is for rows that are not changed.
create or replace function muster.follow_table(
  relation regclass,
  trail text default null,
  soft_delete boolean default false,
  published text[] default null,
  audience text[] default null
) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  present constant text[] := array(
    select a.attname::text from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
  );
  is_edited constant boolean := 'updated_by' = any (present);
  missing constant text[] := array(
    select c.name
    from unnest(
      case when soft_delete then array['id', 'deleted_at'] end
      || case when published is not null then array['id', 'changed_xid'] end
      || case when trail is distinct from 'none' then array['updated_at'] end
      || published || audience
    ) as c (name)
    except select unnest(present)
  );
  formerly text[];
begin
  if missing <> '{}' then
    raise exception using
      errcode = 'undefined_column',
      message = format('muster.follow_table: %s has no column %s', relation, array_to_string(missing, ', '));
  elsif (published is null) <> (audience is null) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('muster.follow_table: %s has to be given both what is published and the audience, or neither', relation);
  end if;

  execute format('alter table %s enable row level security', relation);
  execute format('alter table %s force row level security', relation);
  execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
  execute format('drop policy if exists internal on %s', relation);
  execute format(
    'create policy internal on %s to muster_definer, service_role using (true) with check (true)', relation
  );
  execute format(
    'comment on policy internal on %s is %L', relation,
    'Background work and the security definer functions; their grants say how far they reach.'
  );

  if trail is distinct from 'none' then
    execute format(
      'create or replace trigger %I before %s on %s for each row execute function %s',
      coalesce(trail, case when is_edited then 'edit_trail' else 'updated_at' end),
      case when is_edited then 'insert or update' else 'update' end,
      relation,
      case when is_edited then 'muster.set_edit_trail()' else 'muster.set_updated_at()' end
    );
  end if;

  if soft_delete then
    -- The trigger function reads and writes the row as its owner.
    execute format('grant select, update on %s to muster_definer', relation);
    execute format(
      'create or replace trigger soft_delete before delete on %s for each row execute function muster.tg_soft_delete()',
      relation
    );
  end if;

  if published is null then
    return;
  end if;
  -- The name sorts last, so that the other triggers compare old and new without it.
  execute format(
    'create or replace trigger z_stamp_change before insert or update on %s for each row execute function muster.tg_stamp_change()',
    relation
  );
  execute format(
    'create or replace trigger note_departure_on_delete after delete on %s for each row execute function muster.tg_note_departure()',
    relation
  );
  execute format(
    'create or replace trigger note_departure_on_update after update on %s
     for each row when ((%s) is distinct from (%s)) execute function muster.tg_note_departure()',
    relation,
    (select string_agg(format('old.%I', c.name), ', ' order by c.nth) from unnest(audience) with ordinality as c (name, nth)),
    (select string_agg(format('new.%I', c.name), ', ' order by c.nth) from unnest(audience) with ordinality as c (name, nth))
  );

  -- One that has every table needs none added, and cannot have any.
  if (select p.puballtables from pg_publication p where p.pubname = 'supabase_realtime') then
    return;
  end if;
  select t.attnames::text[] into formerly
  from pg_publication_tables t
  where t.pubname = 'supabase_realtime' and format('%I.%I', t.schemaname, t.tablename)::regclass = relation;
  if formerly @> published and formerly <@ published then
    return;
  elsif formerly is not null then
    execute format('alter publication supabase_realtime drop table %s', relation);
  end if;
  execute format(
    'alter publication supabase_realtime add table %s (%s)',
    relation, (select string_agg(quote_ident(c.name), ', ') from unnest(published) as c (name))
  );
end
$$;
--> statement-breakpoint
create or replace function muster.tg_shifts__check_removal() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.status not in ('draft', 'published', 'cancelled') and muster.acts_for_caller() then
    perform muster.fail('invalid_transition', 'status');
  end if;
  return old;
end
$$;
--> statement-breakpoint
create or replace trigger check_removal before delete on public.shifts
  for each row execute function muster.tg_shifts__check_removal();
--> statement-breakpoint
alter function muster.tg_shifts__check_removal() owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.follow_table(regclass,text,boolean,text[],text[]) from public;
--> statement-breakpoint
revoke execute on function muster.tg_shifts__check_removal() from public;
--> statement-breakpoint
comment on policy internal on muster.changed_callers is 'The security definer functions of audience.sql.';
--> statement-breakpoint
comment on policy internal on muster.departed_rows is 'The security definer functions of catch-up.sql.';
--> statement-breakpoint
comment on function muster.follow_table(regclass, text, boolean, text[], text[]) is
  'Gives a table what every table has: forced row level security, edit trail, soft delete; where it is published: stamp, departures, publication.';
--> statement-breakpoint
comment on policy internal on muster.audiences is 'The security definer functions of visibility.sql.';
--> statement-breakpoint
comment on function muster.tg_shifts__check_removal() is
  'A shift that somebody works or worked is not removed. Security definer: as tg_soft_delete, before which it runs.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795984662_tables_are_followed_in_one_call';
