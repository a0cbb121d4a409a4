"""Telling people of alerts: who hears what (planning), in which words (wording), over which way (sending), when again (delivering)."""
