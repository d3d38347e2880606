CREATE TABLE "muster"."idempotency_usage" (
	"user_id" uuid NOT NULL,
	"day" date NOT NULL,
	"keys" integer NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "idempotency_usage_pkey" PRIMARY KEY("user_id","day")
);
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982198_what_callers_keep';
