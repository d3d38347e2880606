-- What a user may do becomes rows: `memberships`, the first of which is the role with which the user came. They are made and filled in
-- here, before the rules ask for them; owners are bound by row level security while it is forced.

CREATE TABLE "memberships" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"organization_id" uuid,
	"organization_kind" text,
	"role" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memberships_one_per_role" UNIQUE("user_id","role"),
	CONSTRAINT "memberships_organization_by_role" CHECK (("memberships"."organization_kind" is null) = ("memberships"."organization_id" is null))
);
--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_role_known";
--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_organization_by_role";
--> statement-breakpoint
ALTER TABLE "organizations" DROP CONSTRAINT "organizations_kind_known";
--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_role_known";
--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_organization_by_role";
--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_organization_is_of_role_fk";
--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_organization_is_of_role_fk";
--> statement-breakpoint
ALTER TABLE "invitations" ADD COLUMN "organization_kind" text;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "organization_kind" text;
--> statement-breakpoint
alter table public.users no force row level security;
--> statement-breakpoint
alter table public.invitations no force row level security;
--> statement-breakpoint
alter table public.users disable trigger edit_trail;
--> statement-breakpoint
alter table public.invitations disable trigger updated_at;
--> statement-breakpoint
update public.users set organization_kind = role where organization_id is not null;
--> statement-breakpoint
update public.invitations set organization_kind = role where organization_id is not null;
--> statement-breakpoint
insert into public.memberships (tenant_id, user_id, organization_id, organization_kind, role, created_at, updated_at)
select tenant_id, id, organization_id, organization_kind, role, created_at, created_at from public.users;
--> statement-breakpoint
alter table public.users enable trigger edit_trail;
--> statement-breakpoint
alter table public.invitations enable trigger updated_at;
--> statement-breakpoint
alter table public.users force row level security;
--> statement-breakpoint
alter table public.invitations force row level security;
--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_fk" FOREIGN KEY ("user_id","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","organization_kind") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "memberships_organization_idx" ON "memberships" USING btree ("organization_id");
--> statement-breakpoint
CREATE INDEX "memberships_tenant_idx" ON "memberships" USING btree ("tenant_id");
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","organization_kind") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE "users" ADD CONSTRAINT "users_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","organization_kind") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_by_role" CHECK (("invitations"."organization_kind" is null) = ("invitations"."organization_id" is null));
--> statement-breakpoint
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE "users" ADD CONSTRAINT "users_organization_by_role" CHECK (("users"."organization_kind" is null) = ("users"."organization_id" is null));
--> statement-breakpoint
-- squawk-ignore require-concurrent-index-creation
create unique index memberships_one_role_of_guarding on public.memberships (user_id)
  where role in ('admin', 'company', 'client', 'zzp');
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008317_people_have_memberships';
