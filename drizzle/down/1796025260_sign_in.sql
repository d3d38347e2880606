drop table "sign_in"."passkeys";
--> statement-breakpoint
drop table "sign_in"."two_factors";
--> statement-breakpoint
drop table "sign_in"."verifications";
--> statement-breakpoint
drop table "sign_in"."accounts";
--> statement-breakpoint
drop table "sign_in"."spent_tokens";
--> statement-breakpoint
drop table "sign_in"."sessions";
--> statement-breakpoint
drop table "sign_in"."users";
--> statement-breakpoint
drop table "sign_in"."keys";
--> statement-breakpoint
DROP INDEX "users_suspended_idx";
--> statement-breakpoint
DROP INDEX "users_email_idx";
--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_ended_is_suspended";
--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "suspended_at";
--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "ended_at";
--> statement-breakpoint
drop schema "sign_in";
--> statement-breakpoint
do $$
begin
  if (
    select shobj_description(r.oid, 'pg_authid') from pg_catalog.pg_roles r where r.rolname = 'muster_signin'
  ) = 'created by muster' then
    drop owned by muster_signin;
    begin
      drop role muster_signin;
    exception
      -- Another database of the server uses it.
      when dependent_objects_still_exist then null;
    end;
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796014960_hours_people_and_carriers';
