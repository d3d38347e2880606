CREATE TABLE "muster"."jobs" (
	"name" text PRIMARY KEY NOT NULL,
	"next_run_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone,
	"duration_ms" integer,
	"done" bigint,
	"runs" bigint DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"last_error" text
);
--> statement-breakpoint
CREATE TABLE "muster"."size_samples" (
	"sampled_on" date NOT NULL,
	"relation" text NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "size_samples_pkey" PRIMARY KEY("sampled_on","relation")
);
--> statement-breakpoint
ALTER TABLE "notifications" ADD COLUMN "once_key" text;
--> statement-breakpoint
-- Not concurrently: Supabase's tool runs a file as one transaction. No row has a key yet, so the table is read once, and nothing sorted.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX "notifications_once_key" ON "notifications" USING btree ("user_id","once_key") WHERE "notifications"."once_key" is not null;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795993058_background_work';
