CREATE UNIQUE INDEX users_by_username ON users (username) WHERE username IS NOT NULL;
