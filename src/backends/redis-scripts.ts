/**
 * What no command of Redis does alone, for any number of keys; each answers with 1 or 0 for every
 * key. Which commands they use is told in docs/backends.md, for users of narrow rights.
 */

/**
 * Takes each name for ARGV[1] and ARGV[2] milliseconds, or lengthens its lease: 1 where ARGV[1] has
 * it then.
 */
export const ACQUIRE = `
local held = {}
for i, name in ipairs(KEYS) do
  held[i] = 1
  if not redis.call('SET', name, ARGV[1], 'NX', 'PX', ARGV[2]) then
    if redis.pcall('GET', name) ~= ARGV[1] then held[i] = 0
    elseif redis.call('PTTL', name) < tonumber(ARGV[2]) then redis.call('PEXPIRE', name, ARGV[2]) end
  end
end
return held`;

/** Removes each name that ARGV[1] has. */
export const RELEASE = `
local freed = {}
for i, name in ipairs(KEYS) do
  freed[i] = 0
  if redis.pcall('GET', name) == ARGV[1] then freed[i] = redis.call('UNLINK', name) end
end
return freed`;

/**
 * Lets each key live for ARGV[1] milliseconds at least, as PEXPIRE GT does, which servers before
 * Redis 7 do not know.
 */
export const TOUCH = `
local touched = {}
for i, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  touched[i] = 0
  if left >= 0 and left < tonumber(ARGV[1]) then touched[i] = redis.call('PEXPIRE', key, ARGV[1]) end
end
return touched`;

/**
 * Locks each name for ARGV[1] until it expires in ARGV[2] milliseconds, of which the last ARGV[3]
 * are its grace: then others may take it over, and at any time where ARGV[4] is '1'. 1 where
 * ARGV[1] has it then.
 */
export const LOCK = `
local held = {}
for i, name in ipairs(KEYS) do
  held[i] = 1
  if not redis.call('SET', name, ARGV[1], 'NX', 'PX', ARGV[2]) then
    local holder = redis.pcall('GET', name)
    local left = redis.call('PTTL', name)
    if type(holder) ~= 'string' or left < 0 then held[i] = 0
    elseif holder == ARGV[1] then
      if left < tonumber(ARGV[2]) then redis.call('PEXPIRE', name, ARGV[2]) end
    elseif ARGV[4] == '1' or left <= tonumber(ARGV[3]) then redis.call('SET', name, ARGV[1], 'PX', ARGV[2])
    else held[i] = 0 end
  end
end
return held`;

/** Lets each name that ARGV[1] has expire in ARGV[2] milliseconds at the earliest. */
export const RENEW = `
local held = {}
for i, name in ipairs(KEYS) do
  held[i] = 0
  if redis.pcall('GET', name) == ARGV[1] then
    held[i] = 1
    if redis.call('PTTL', name) < tonumber(ARGV[2]) then redis.call('PEXPIRE', name, ARGV[2]) end
  end
end
return held`;

/**
 * KEYS are pairs of a lock's name and a record's key, ARGV[2] and ARGV[3] the record's bytes and
 * its TTL in milliseconds or '', and so on. Stores each record whose lock ARGV[1] has, and unlocks
 * it. 1 where it was stored.
 */
export const STORE = `
local stored = {}
for i = 1, #KEYS, 2 do
  local at = (i + 1) / 2
  stored[at] = 0
  if redis.pcall('GET', KEYS[i]) == ARGV[1] then
    if ARGV[i + 2] == '' then redis.call('SET', KEYS[i + 1], ARGV[i + 1])
    else redis.call('SET', KEYS[i + 1], ARGV[i + 1], 'PX', ARGV[i + 2]) end
    redis.call('UNLINK', KEYS[i])
    stored[at] = 1
  end
end
return stored`;
