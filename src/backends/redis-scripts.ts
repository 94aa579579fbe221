/**
 * What no command of Redis does alone, for any number of keys; each answers with 1 or 0 for every key. Which commands they use is
 * told in docs/backends.md, for users of narrow rights.
 */

/** Takes each name for ARGV[1] and ARGV[2] milliseconds, or lengthens its lease: 1 where ARGV[1] has it then. */
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

/** Lets each key live for ARGV[1] milliseconds at least, as PEXPIRE GT does, which servers before Redis 7 do not know. */
export const TOUCH = `
local touched = {}
for i, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  touched[i] = 0
  if left >= 0 and left < tonumber(ARGV[1]) then touched[i] = redis.call('PEXPIRE', key, ARGV[1]) end
end
return touched`;
