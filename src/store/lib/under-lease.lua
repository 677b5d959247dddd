-- A step of a migration: KEYS[1] the lease of layout 2, ARGV[1] its holder, ARGV[2] for how many ms it is held again.

local function isOurs()
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return true
end
