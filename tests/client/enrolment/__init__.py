"""Tests of enrolment over SSH."""
