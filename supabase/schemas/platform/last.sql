-- What comes after all the other files.
--
-- * Functions are born executable by everybody; only what is granted by name stays.
-- * The audiences are declared for the policies that the tables now have. A migration that changes one of them declares them
--   again: a test holds audiences and policies alike.

select muster.declare_audiences();

revoke execute on all functions in schema muster from public;
