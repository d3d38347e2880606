-- A role that the old rules do not know cannot stay: its users go, and with them what nothing else refers to.

alter table public.users no force row level security;
--> statement-breakpoint
alter table public.invitations no force row level security;
--> statement-breakpoint
alter table public.organizations no force row level security;
--> statement-breakpoint
delete from public.invitations where role not in ('admin', 'company', 'client', 'zzp');
--> statement-breakpoint
delete from public.users where role not in ('admin', 'company', 'client', 'zzp');
--> statement-breakpoint
delete from public.organizations where kind not in ('company', 'client');
--> statement-breakpoint
alter table public.users force row level security;
--> statement-breakpoint
alter table public.invitations force row level security;
--> statement-breakpoint
alter table public.organizations force row level security;
--> statement-breakpoint
DROP TABLE "memberships";
--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_organization_by_role";
--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_organization_by_role";
--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_organization_is_of_role_fk";
--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_organization_is_of_role_fk";
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","role") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","role") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "invitations" DROP COLUMN "organization_kind";
--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "organization_kind";
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_role_known" CHECK ("invitations"."role" in ('admin', 'company', 'client', 'zzp'));
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_by_role" CHECK (("invitations"."role" in ('company', 'client')) = ("invitations"."organization_id" is not null));
--> statement-breakpoint
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_kind_known" CHECK ("organizations"."kind" in ('company', 'client'));
--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_role_known" CHECK ("users"."role" in ('admin', 'company', 'client', 'zzp'));
--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_organization_by_role" CHECK (("users"."role" in ('company', 'client')) = ("users"."organization_id" is not null));
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008200_clock_events_at_one_instant';
