"""Rights and consent: who may hold, process and operate what, and what each person agreed to, withdrew or asked for."""
