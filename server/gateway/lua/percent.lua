-- Percent-encoding of paths and queries (RFC 3986, 2.1), which hold UTF-8.
local percent = {}

-- Every form that a character beyond ASCII has (RFC 3629, 4).
local CHARACTERS = {
  "[\194-\223][\128-\191]",
  "\224[\160-\191][\128-\191]",
  "[\225-\236\238\239][\128-\191][\128-\191]", "\237[\128-\159][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]", "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

function percent.decode(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- Whether `text` is UTF-8.
function percent.is_utf8(text)
  if not text:find("[\128-\255]") then return true end
  for _, character in ipairs(CHARACTERS) do text = text:gsub(character, " ") end
  return not text:find("[\128-\255]")
end

-- Whether `text` has no percent sign without its two digits, and is UTF-8 when it is decoded.
function percent.is_sound(text)
  if not text:find("%", 1, true) then return true end
  if text:gsub("%%%x%x", ""):find("%", 1, true) then return false end
  return percent.is_utf8(percent.decode(text))
end

return percent
